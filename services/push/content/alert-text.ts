import { cutLine } from './cut-line.ts';

/** A person chooses how much of a message their device shows while it may be locked. */
type ContentLevel = 'full' | 'sender' | 'none';

type AlertSubject =
  | { kind: 'message'; type: 'text' | 'image' | 'file' | 'voice'; text: string }
  /** The recipient was added to a group. */
  | { kind: 'added' }
  /** The recipient was assigned a conversation of a business. */
  | { kind: 'assigned' };

export type AlertSource = {
  level: ContentLevel;
  subject: AlertSubject;
  /** The name of whoever did it. */
  sender: string;
  /** The conversation's name as its participants see it. A direct conversation has none. */
  conversation?: string;
  /** This many messages wait. More than one are told by their number alone. */
  count: number;
};

/** This is shown where nothing may be told, and in place of what a provider finds too large. */
export const NEW_MESSAGE = 'New message';

/** Devices show 178 characters of an alert. The bytes leave room for all else in 4096. */
const BODY = { visible: 178, bytes: 1_600 };
const TITLE = { visible: 100, bytes: 600 };
const SENDER = { visible: 40, bytes: 240 };
const PLACEHOLDERS = { image: 'Photo', file: 'File', voice: 'Voice message' };
const UNNAMED = 'Unknown User';

const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ISOLATE = '\u2068';
const ISOLATE_END = '\u2069';

/** Says what an alert shows, in one line each. */
export function alertText(source: AlertSource): { title?: string; body: string } {
  const { level, count, conversation } = source;
  const many = count > 1 ? `${count} new messages` : undefined;
  if (level === 'none') return { body: many ?? withoutNames(source.subject) };
  const sender = cutLine(source.sender, SENDER) || UNNAMED;
  const group = conversation === undefined ? '' : cutLine(conversation, TITLE);
  const title = group === '' ? cutLine(source.sender, TITLE) || UNNAMED : group;
  if (many !== undefined) return { title, body: many };
  const { subject } = source;
  if (subject.kind === 'added') return { title, body: `${alone(sender)} added you` };
  if (subject.kind === 'assigned') return { title, body: withoutNames(subject) };
  const text = level === 'full' ? textOf(subject) : NEW_MESSAGE;
  return {
    title,
    body: cutLine(text, BODY) === '' ? NEW_MESSAGE : bodyOf(text, { sender, group }),
  };
}

function bodyOf(text: string, { sender, group }: { sender: string; group: string }): string {
  if (group === '') return cutLine(text, BODY);
  const visible = BODY.visible - [...sender].length - 2;
  const bytes = BODY.bytes - SENDER.bytes;
  const shown = cutLine(text, { visible, bytes });
  return RIGHT_TO_LEFT.test(sender + shown)
    ? `${isolated(sender)}: ${isolated(shown)}`
    : `${sender}: ${shown}`;
}

function textOf(subject: AlertSubject & { kind: 'message' }): string {
  return subject.type === 'text' ? subject.text : PLACEHOLDERS[subject.type];
}

function withoutNames({ kind }: AlertSubject): string {
  if (kind === 'added') return 'You were added to a group';
  return kind === 'assigned' ? 'A conversation was assigned to you' : NEW_MESSAGE;
}

function alone(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? isolated(name) : name;
}

/** Keeps a text from turning what stands beside it. */
function isolated(text: string): string {
  return `${ISOLATE}${text}${ISOLATE_END}`;
}
