import { aptInstall, canInstall } from './apt.ts';
import { findOnPath } from './find-on-path.ts';

/** Debian's smaller package of nginx is called nginx-light. */
const PACKAGES = ['nginx-light', 'haproxy'];
const WITHOUT =
  'Tests of proxies before edges need nginx and HAProxy, and are skipped without them. ' +
  `Install them (Debian: ${PACKAGES.join(' ')}).`;

type ProxyPrograms = { nginx: string; haproxy: string };

/** Returns the paths of nginx and HAProxy, or undefined if this machine lacks one. */
export function findProxies(): ProxyPrograms | undefined {
  const [nginx, haproxy] = [findOnPath('nginx'), findOnPath('haproxy')];
  return nginx === undefined || haproxy === undefined ? undefined : { nginx, haproxy };
}

/**
 * Installs nginx and HAProxy where one is missing and packages can be installed. Returns what a
 * person should know of that, or undefined where both are there.
 */
export function installProxies(say: (line: string) => void): string | undefined {
  if (findProxies() !== undefined) return undefined;
  if (!canInstall()) return WITHOUT;
  say('Installing nginx and HAProxy …');
  try {
    aptInstall(PACKAGES);
  } catch (error) {
    return `${WITHOUT}\n${(error as Error).message}`;
  }
  return findProxies() === undefined ? WITHOUT : undefined;
}
