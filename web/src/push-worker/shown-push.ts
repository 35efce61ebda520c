/** The server pushes this to the browser. It is JSON that only this browser can decrypt. */
type Pushed = {
  title?: string;
  body: string;
  tag: string;
  data: { conversation_id: string };
};

/** A notification of the browser is shown so. */
type ShownPush = { title: string; options: NotificationOptions };

const APP = 'kaha chat';

/**
 * Reads what was pushed. A browser must show something for every push, so what cannot be read is
 * shown as a message without a text. A newer push of a conversation takes the place of an older.
 */
export function shownPushOf(text: string | undefined): ShownPush {
  const { title = APP, body, tag, data } = readPushed(text);
  return { title, options: { body, data, ...(tag !== undefined && { tag }) } };
}

/** Returns the address of the conversation that a push told of. */
export function addressOf(data: unknown): string {
  const id = (data as Partial<Pushed['data']> | null | undefined)?.conversation_id;
  return id === undefined ? '/' : `/#/c/${encodeURIComponent(id)}`;
}

function readPushed(text: string | undefined): Partial<Pushed> & { body: string } {
  try {
    const pushed = JSON.parse(text ?? '') as Pushed | null;
    if (typeof pushed?.body === 'string') return pushed;
  } catch {
    return { body: 'New message' }; // A later version of the server may push something else.
  }
  return { body: 'New message' };
}
