import type { Static } from 'typebox';
import { type InboxViewer, maySee } from '../../../shared/business/may-see.ts';
import type { InboxStep } from '../../../shared/contracts/business-signals.ts';
import type { InboxHead } from '../../../shared/contracts/inbox-reads.ts';
import type { BusinessId, UserId } from '../../../shared/ids.ts';
import type { InboxCounts } from '../../../shared/protocol/inbox-shapes.ts';
import type { serverFrames } from '../../../shared/protocol/server-frames.ts';
import { viewOf } from '../names/conversation-view.ts';
import type { Names } from '../names/profile-names.ts';

type InboxEvent = Static<typeof serverFrames.inbox>;

/**
 * A viewer hears of a step as much as they may know. `whole`: they may see the conversation now.
 * `named`: they could see it until now, and hear which one it is. `version`: all others.
 */
type Sight = 'whole' | 'named' | 'version';

export function sightOf(viewer: InboxViewer, { before, after }: InboxStep): Sight {
  if (maySee(viewer, after)) return 'whole';
  return maySee(viewer, before) ? 'named' : 'version';
}

/** Makes the frame of each sight once, however many watchers get it. */
export class StepFrames {
  readonly #step: InboxStep;
  readonly #names: Names;
  readonly #made = new Map<Sight, string>();

  constructor(step: InboxStep, names: Names) {
    this.#step = step;
    this.#names = names;
  }

  of(sight: Sight): string {
    const made = this.#made.get(sight) ?? frameOf(this.#event(sight));
    this.#made.set(sight, made);
    return made;
  }

  #event(sight: Sight): Omit<InboxEvent, 'type'> {
    const { business_id, version, change, conversation_id, record, after } = this.#step;
    if (sight === 'version') return { business_id, version };
    const named = { business_id, version, change, conversation_id };
    // Every viewer sees a business conversation under the same name.
    const conversation = () => viewOf(record, after.customer_id, this.#names);
    return sight === 'named' ? named : { ...named, conversation: conversation() };
  }
}

/** The frame tells of a version that the watcher missed, so that they see a gap. */
export function versionFrame(business_id: BusinessId, version: number): string {
  return frameOf({ business_id, version });
}

export function countsFrame(
  business_id: BusinessId,
  { version, counts }: { version: number; counts: InboxCounts },
): string {
  return frameOf({ business_id, version, counts });
}

export function countsOf({ waiting, assigned, mine }: InboxHead, userId: UserId): InboxCounts {
  return { waiting, assigned, mine: mine[userId] ?? 0 };
}

function frameOf(event: Omit<InboxEvent, 'type'>): string {
  const whole: InboxEvent = { type: 'inbox', ...event };
  return JSON.stringify(whole);
}
