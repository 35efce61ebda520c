import { aptInstall, canInstall } from './apt.ts';
import { findOnPath } from './find-on-path.ts';

/** The page shows emoji, and without a font for them it shows boxes. */
const PACKAGES = ['chromium', 'fonts-dejavu-core', 'fonts-noto-color-emoji'];
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];
const WITHOUT =
  'Tests of the page need Chromium, and are skipped without it. ' +
  `Install it (Debian: ${PACKAGES.join(' ')}).`;

/** Returns the path of Chromium, or undefined if this machine has none. */
export function findChromium(): string | undefined {
  return PROGRAMS.map((program) => findOnPath(program)).find((path) => path !== undefined);
}

/**
 * Installs Chromium where it is missing and packages can be installed. Returns what a person should
 * know of that, or undefined where Chromium is there.
 */
export function installChromium(say: (line: string) => void): string | undefined {
  if (findChromium() !== undefined) return undefined;
  if (!canInstall()) return WITHOUT;
  say('Installing Chromium …');
  try {
    aptInstall(PACKAGES);
  } catch (error) {
    return `${WITHOUT}\n${(error as Error).message}`;
  }
  return findChromium() === undefined ? WITHOUT : undefined;
}
