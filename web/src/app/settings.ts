/** The server that serves the page says this of itself in `page.json`. */
export type PageSettings = {
  /** The chat server has this address. By default it is the one that serves the page. */
  url?: string;
  /** A stand-in for a login is here. It names people, and gives a token for each of them. */
  login_url?: string;
};

/** Reads the settings. A server without any is asked for nothing but the chat. */
export async function loadSettings(): Promise<PageSettings> {
  try {
    const answer = await fetch('page.json');
    return answer.ok ? ((await answer.json()) as PageSettings) : {};
  } catch (error) {
    reportError(error);
    return {};
  }
}
