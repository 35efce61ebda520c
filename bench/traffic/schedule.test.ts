import t from 'tap';
import { Schedule } from './schedule.ts';

const base = {
  ratePerS: 100,
  seconds: 10,
  worker: 0,
  workers: 1,
  conversations: 7,
  groupSize: 3,
};

t.test('a schedule has as many messages as rate and time say, evenly spaced', async (t) => {
  const schedule = new Schedule(base);
  t.equal(schedule.count, 1_000);
  t.equal(schedule.dueMs(0), 0);
  t.equal(schedule.dueMs(1), 10);
  t.equal(schedule.dueMs(999), 9_990);
});

t.test('the number of due messages agrees with the time of each message', async (t) => {
  for (const worker of [0, 1, 2]) {
    const schedule = new Schedule({ ...base, ratePerS: 333, workers: 3, worker });
    for (let message = 0; message < schedule.count; message += 1) {
      const dueMs = schedule.dueMs(message);
      t.equal(schedule.dueCount(dueMs), message + 1);
      t.equal(schedule.dueCount(dueMs - 0.01), message);
    }
    t.equal(schedule.dueCount(1e9), schedule.count);
  }
});

t.test('workers share the rate without gap or overlap', async (t) => {
  const workers = [0, 1, 2].map((worker) => new Schedule({ ...base, workers: 3, worker }));
  const times = workers.flatMap((schedule) =>
    Array.from({ length: schedule.count }, (_, message) => schedule.dueMs(message)),
  );
  times.sort((a, b) => a - b);
  t.equal(times.length, 1_000);
  t.ok(times.every((time, index) => Math.abs(time - index * 10) < 1e-6));
});

t.test('every conversation and then every participant has a turn', async (t) => {
  const schedule = new Schedule(base);
  const turns = new Set<string>();
  for (let message = 0; message < 21; message += 1) {
    turns.add(`${schedule.conversationOf(message)}/${schedule.participantOf(message)}`);
  }
  t.equal(turns.size, 21);
});

t.test('without conversations there are no messages', async (t) => {
  t.equal(new Schedule({ ...base, conversations: 0 }).count, 0);
});
