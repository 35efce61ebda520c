import t from 'tap';
import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { isAutomaticReply, systemText } from './system-text.ts';

const names: Record<string, string> = { bob: 'Bob', cleo: 'Cleo', shop: 'Corner Shop' };
const who = { userId: 'ann', nameOf: (id: string) => names[id] };

function system(sender_id: string, metadata: Record<string, unknown>, content = 'as it is told') {
  const fixed = { conversation_id: 'c', version: 1, message_type: 'system' as const };
  const sent_at = '2026-11-21T10:00:00.000Z';
  const message: ShownMessage = { ...fixed, sent_at, sender_id, metadata, content, reactions: [] };
  return message;
}

const said = (sender: string, event: string, more = {}) =>
  systemText(system(sender, { event, ...more }), who);

t.test('a system message says you to the user whom it names', async (t) => {
  t.equal(said('ann', 'participant_added', { user_id: 'bob' }), 'You added Bob');
  t.equal(said('bob', 'participant_added', { user_id: 'ann' }), 'Bob added you');
  t.equal(said('bob', 'participant_removed', { user_id: 'ann' }), 'Bob removed you');
  t.equal(said('ann', 'participant_left', { user_id: 'ann' }), 'You left');
  t.equal(said('ann', 'title_changed', { value: 'Trip' }), 'You changed the title to “Trip”');
  t.equal(said('ann', 'title_changed'), 'You changed the title');
  t.equal(said('bob', 'admin_changed', { user_id: 'ann' }), 'You are admin now');
  t.equal(said('ann', 'agent_assigned', { user_id: 'ann' }), 'You took the conversation');
  const given = said('shop', 'agent_assigned', { user_id: 'ann', reason: 'auto' });
  t.equal(given, 'Corner Shop gave the conversation to you');
  t.equal(said('ann', 'conversation_closed'), 'You closed the conversation');
});

t.test('what does not concern the user is shown as the server tells it', async (t) => {
  t.equal(said('bob', 'participant_added', { user_id: 'cleo' }), 'as it is told');
});

t.test('unknown events, unknown people and strange values break nothing', async (t) => {
  for (const event of ['constructor', 'toString', '__proto__', 'future_event', '']) {
    t.equal(said('ann', event, { user_id: 'bob' }), 'as it is told');
  }
  t.equal(said('ann', 'participant_added', { user_id: 'zoe' }), 'as it is told');
  t.equal(said('ann', 'title_changed', { value: { a: 1 } }), 'You changed the title');
  const { metadata: _metadata, content: _content, ...bare } = system('ann', {});
  t.equal(systemText(bare, who), '');
});

t.test('an away message is an automatic reply, and nobody else can pretend one', async (t) => {
  const away = system('shop', { event: 'away_message' });
  t.ok(isAutomaticReply(away));
  t.notOk(isAutomaticReply({ ...away, message_type: 'text' }));
});
