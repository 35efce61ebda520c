import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { commandOf } from '../processes/child.ts';

/**
 * The script keeps packages from starting a server or making a cluster, because this project runs
 * private ones.
 */
const INSTALL = `set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
dropin=/etc/postgresql-common/createcluster.d/kaha-chat.conf
made=
clean() { rm -f $made; rmdir --ignore-fail-on-non-empty \${dropin%/*}; }
trap clean EXIT
if [ ! -e $policy ]; then
  made=$policy
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
mkdir -p \${dropin%/*}
made="$made $dropin"
echo 'create_main_cluster = false' > $dropin
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
`;

/** Tells whether this process may install packages: on Debian, as root or by sudo. */
export function canInstall(): boolean {
  return existsSync('/usr/bin/apt-get') && rootPrefix() !== undefined;
}

/** Installs packages with apt-get. Throws an error with what apt-get said if it fails. */
export function aptInstall(packages: readonly string[]): void {
  const asRoot = rootPrefix() ?? [];
  const { command, args } = commandOf([...asRoot, 'sh', '-c', INSTALL, 'sh', ...packages]);
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`apt-get failed:\n${result.stdout}${result.stderr}`);
}

/**
 * Returns [] for root, a sudo command if sudo needs no password, or undefined if there is no way.
 */
function rootPrefix(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}
