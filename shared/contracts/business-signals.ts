import type { InboxChange } from './inbox.ts';

/** Edges tell watchers this of a change. `record` shows the conversation as a reader sees it. */
export type InboxStep = Pick<
  InboxChange,
  'business_id' | 'version' | 'change' | 'conversation_id' | 'before' | 'after' | 'record'
>;

/** Routers tell edges of a business. A signal travels on `business.<business>`, as JSON. */
export type BusinessSignal =
  /** The inbox has changed. */
  | ({ kind: 'step' } & InboxStep)
  /** Somebody became an agent or a manager of the business, or is none any more. */
  | { kind: 'agents' }
  /** The business may be online or offline now, because of its agents or its settings. */
  | { kind: 'availability' };
