import type { BrowserContext, Page } from 'playwright-core';

/** The browser runs this before any script of the page. */
const TELL_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) => {
  tellViolation('policy: ' + event.violatedDirective + ' refuses ' + event.blockedURI);
});`;

/** Collects what a page must never do: errors, dialogs, and breaches of its security policy. */
export async function watchFaults(context: BrowserContext): Promise<string[]> {
  const faults: string[] = [];
  await context.exposeBinding('tellViolation', (_source, text: string) => faults.push(text));
  await context.addInitScript({ content: TELL_VIOLATIONS });
  context.on('page', (page) => watchPage(page, faults));
  return faults;
}

function watchPage(page: Page, faults: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error' && !isOfNetwork(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    // The page may be closed already.
    dialog.dismiss().catch((error: unknown) => error);
  });
}

/**
 * Chromium itself writes such a line for each request and each socket that fails or is refused.
 * Tests cut networks, and the page asks for what the server may not have.
 */
function isOfNetwork(text: string): boolean {
  return /^Failed to load resource|^WebSocket connection to .* failed/.test(text);
}
