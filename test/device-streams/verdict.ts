import {
  type ConversationRecord,
  type DeviceRecord,
  type Disturbance,
  keyOfMessage,
  type RoundRecord,
  type SessionRecord,
} from './record.ts';

/** A session knows so many of the events that its client acknowledged last, for so long. */
const REMEMBERED = 256;
const REMEMBERED_MS = 60_000;
/**
 * An event that was sent to a session in the instant of its end comes again after `ack_wait`, 10 s,
 * and until two sessions that opened at once have decided, both get events.
 */
const CHANGE_MS = 13_000;
/** A repair brings what a fault left owed by then. A router's lease alone lasts 30 s. */
const FAULT_MS = 40_000;

/** A device is told of a lost queue by then. */
const TOLD_MS = 75_000;
/** A device whose acknowledgement of the replay's end was lost on the way is told again by then. */
const TOLD_AGAIN_MS = 15_000;

/** `cause` says what may have brought the event behind newer ones, if anything may have. */
type OrderBreak = { text: string; cause: string | undefined };

/** Judges what the clients of one round have seen. The result tells each broken promise. */
export function wrongsOf(round: RoundRecord): string[] {
  return [
    ...round.conversations.flatMap(lacksOf),
    ...round.devices.flatMap((device) => [
      ...device.sessions.flatMap((session, index) => [
        ...gapsOf(session).map((text) => `${device.name} session ${index}: ${text}`),
        ...repeatsOf(session, index === 0).map(
          (text) => `${device.name} session ${index}: ${text}`,
        ),
      ]),
      ...needlesslyTold(device, round),
    ]),
    ...orderBreaksOf(round)
      .filter(({ cause }) => cause === undefined)
      .map(({ text }) => text),
  ];
}

/** Tells what is owed to a device and was not acknowledged. */
export function lacksOf({ id, messages, devices }: ConversationRecord): string[] {
  return devices.flatMap((device) => {
    const has = acknowledgedBy(device);
    const coveredUntil = Math.max(...device.told.map(({ coveredUntilMs }) => coveredUntilMs));
    return messages
      .filter(({ messageId, sentAtMs }) => {
        return !has.has(keyOfMessage(messageId)) && sentAtMs > coveredUntil;
      })
      .map(({ seq }) => `${device.name} lacks ${id.slice(0, 4)}/${seq}`);
  });
}

function acknowledgedBy({ sessions }: DeviceRecord): Set<string> {
  return new Set(
    sessions.flatMap(({ sights, acknowledgedQ }) =>
      sights.filter(({ q }) => q <= acknowledgedQ).map(({ key }) => key),
    ),
  );
}

function gapsOf({ qs }: SessionRecord): string[] {
  return qs.flatMap((q, index) => {
    const before = qs[index - 1] ?? 0;
    return q === before + 1 ? [] : [`q ${q} follows ${before}`];
  });
}

/** A session may get twice what the device's session before it has put back. */
function repeatsOf({ sights }: SessionRecord, isFirst: boolean): string[] {
  const seenAt = new Map<string, number>();
  return sights.flatMap(({ key, q, atMs }, index) => {
    const at = seenAt.get(key);
    const before = at === undefined ? undefined : sights[at];
    seenAt.set(key, index);
    if (at === undefined || before === undefined || !isFirst) return [];
    if (index - at > REMEMBERED || atMs - before.atMs > REMEMBERED_MS) return [];
    return [`${key} comes with q ${before.q} and again with q ${q}`];
  });
}

/**
 * A device is told at its start, once its queue was lost, and again where its client has not
 * acknowledged the end of the replay.
 */
function needlesslyTold({ name, told }: DeviceRecord, round: RoundRecord): string[] {
  const losses = round.disturbances.filter(({ device }) => device === name);
  return told
    .filter(({ atMs }, index) => {
      const before = told[index - 1];
      const { finishedAtMs } = before ?? {};
      if (finishedAtMs === undefined || atMs - finishedAtMs < TOLD_AGAIN_MS) return false;
      return !losses.some((loss) => loss.atMs <= atMs && atMs - loss.atMs < TOLD_MS);
    })
    .map(({ atMs }) => `${name} was told to begin anew at ${atMs - round.startedAtMs}`);
}

/** Tells which messages a device saw first behind newer ones of their conversation. */
export function orderBreaksOf({ devices, disturbances, startedAtMs }: RoundRecord): OrderBreak[] {
  return devices.flatMap(({ name, sessions }) => {
    const seen = new Set<string>();
    const highest = new Map<string, number>();
    return sessions.flatMap((session, index) =>
      session.sights.flatMap(({ key, conversation, seq, atMs }) => {
        if (conversation === undefined || seq === undefined || seen.has(key)) return [];
        seen.add(key);
        const before = highest.get(conversation) ?? 0;
        if (seq > before) {
          highest.set(conversation, seq);
          return [];
        }
        const place = `${conversation.slice(0, 4)}/${seq}`;
        const at = atMs - startedAtMs;
        const text = `${name} session ${index}: ${place} comes behind ${before} at ${at}`;
        const isChanging = index > 0 && atMs - session.openedAtMs < CHANGE_MS;
        const own = disturbances.filter(({ device }) => device === undefined || device === name);
        const cause = causeOf(own, atMs) ?? (isChanging ? 'new session' : undefined);
        return [{ text, cause }];
      }),
    );
  });
}

/** The last disturbance before the event names the cause. */
function causeOf(disturbances: readonly Disturbance[], atMs: number): string | undefined {
  const isCause = (one: Disturbance): boolean => one.atMs <= atMs && atMs - one.atMs < FAULT_MS;
  return disturbances.findLast(isCause)?.kind;
}

/** Tells what happened in the round to the devices that a text names. */
export function traceOf(round: RoundRecord, texts: readonly string[]): string[] {
  const named = round.devices.filter(({ name }) => texts.some((text) => text.includes(name)));
  const events = [
    ...round.disturbances.map(({ kind, atMs }) => ({ atMs, text: kind })),
    ...named.flatMap(({ name, trace }) =>
      trace.map(({ atMs, text }) => ({ atMs, text: `${name} ${text}` })),
    ),
  ];
  return events
    .sort((one, other) => one.atMs - other.atMs)
    .map(({ atMs, text }) => `${atMs - round.startedAtMs} ${text}`);
}
