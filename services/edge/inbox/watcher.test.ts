import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Hub } from '../session/hub.ts';
import { Session } from '../session/session.ts';
import { Watcher } from './watcher.ts';

const COUNTS = { waiting: 1, assigned: 1, mine: 0 };

/** The hub of the stage keeps what is sent, and the socket has `buffered` bytes left to write. */
function setStage(version = 0) {
  const session = new Session(0);
  session.state = 'open';
  const stage = { buffered: 0, sent: [] as string[] };
  session.socket = {
    send: () => 1,
    getBufferedAmount: () => stage.buffered,
    end: () => undefined,
    close: () => undefined,
    cork: () => undefined,
  };
  const hub: Pick<Hub, 'sendSoon'> = {
    sendSoon: (_session, _type, frame) => void stage.sent.push(String(frame)),
  };
  const watcher = new Watcher(session, newId<UserId>());
  watcher.begin({ version, counts: COUNTS });
  const tell = (one: number) => watcher.tell(hub, { version: one, frame: `step ${one}` });
  const tellCounts = (one: number, waiting = 1) =>
    watcher.tellCounts(
      hub,
      { version: one, counts: { ...COUNTS, waiting } },
      () => `counts ${one}`,
    );
  const catchUp = () => watcher.catchUp(hub, (one) => `version ${one}`);
  return { stage, session, watcher, tell, tellCounts, catchUp };
}

t.test('a watcher hears of what is behind the version that they were answered', async (t) => {
  const { stage, tell } = setStage(5);
  for (const version of [4, 5, 6, 7]) t.ok(tell(version));
  t.same(stage.sent, ['step 6', 'step 7']);
});

t.test('a watcher who has no answer yet hears nothing', async (t) => {
  const { watcher: other, session, tell } = setStage(0);
  t.ok(tell(1));
  const watcher = new Watcher(session, other.userId);
  const hub = { sendSoon: () => t.fail('nothing may be sent') };
  t.ok(watcher.tell(hub, { version: 1, frame: '' }));
});

t.test('counts are told if they are new, and never those of a version before', async (t) => {
  const { stage, tell, tellCounts } = setStage(5);
  t.notOk(tellCounts(5), 'the answer had them');
  t.ok(tellCounts(5, 2));
  tell(7);
  t.notOk(tellCounts(6, 3));
  t.ok(tellCounts(7, 3));
  t.same(stage.sent, ['counts 5', 'step 7', 'counts 7']);
});

t.test('a slow reader who missed one event gets it later', async (t) => {
  const { stage, tell, tellCounts, catchUp } = setStage();
  stage.buffered = 1_100_000;
  t.notOk(tell(1));
  t.notOk(tellCounts(1, 9));
  t.notOk(catchUp());
  stage.buffered = 200_000;
  t.notOk(catchUp(), 'more than little is left to read');
  stage.buffered = 0;
  t.ok(catchUp());
  t.ok(catchUp());
  t.ok(tell(2));
  t.same(stage.sent, ['step 1', 'step 2']);
});

t.test('a slow reader who missed several events sees a gap', async (t) => {
  const { stage, tell, tellCounts, catchUp } = setStage();
  stage.buffered = 1_100_000;
  for (const version of [1, 2, 3]) t.notOk(tell(version));
  stage.buffered = 0;
  t.notOk(tell(4), 'the order stays');
  t.ok(catchUp());
  t.ok(tellCounts(4), 'counts are told again, whatever they are');
  t.same(stage.sent, ['version 4', 'counts 4']);
});

t.test('a session that is not open yet is told once it is', async (t) => {
  const { stage, session, tell, tellCounts, catchUp } = setStage();
  session.state = 'opening';
  t.notOk(tellCounts(0, 5));
  t.notOk(tell(1));
  t.notOk(catchUp());
  session.state = 'open';
  t.ok(catchUp());
  t.same(stage.sent, ['step 1']);
});
