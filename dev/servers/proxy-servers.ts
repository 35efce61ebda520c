import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessSpec } from '../processes/child.ts';

export type EdgePlace = { port: number; adminPort: number };
export type ProxyPlan = {
  program: string;
  dir: string;
  port: number;
  /** The proxy sends requests to these edges. */
  edges: readonly EdgePlace[];
  /** Other values take the place of some in the documented settings, such as shorter times. */
  changes?: Readonly<Record<string, string>>;
};

/** Sockets hold two connections each. */
const CONNECTIONS_MAX = 8_192;
const THREADS = 2;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Plans an nginx with the settings of `docs/proxies/nginx.conf`. */
export function planNginx(plan: ProxyPlan): ProcessSpec {
  const { dir, port } = plan;
  const [main, documented] = [join(dir, 'nginx.conf'), join(dir, 'kaha-chat.conf')];
  const text = fill(readFileSync('docs/proxies/nginx.conf', 'utf8'), {
    'listen 8000;': `listen 127.0.0.1:${port};`,
    ...plan.changes,
  });
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${join(dir, name)};`);
  const isRoot = process.getuid?.() === 0;
  mkdirSync(dir, { recursive: true });
  writeFileSync(documented, withEdges(text, plan.edges));
  writeFileSync(
    main,
    `${isRoot ? 'user root;' : ''} daemon off; worker_processes ${THREADS};
    pid ${join(dir, 'nginx.pid')}; error_log ${join(dir, 'error.log')} warn;
    events { worker_connections ${CONNECTIONS_MAX}; }
    http { ${paths.join(' ')} include ${documented}; }`,
  );
  return { ...specOf('nginx', plan), args: ['-c', main, '-p', dir] };
}

/** Plans an HAProxy with the settings of `docs/proxies/haproxy.cfg`. */
export function planHaproxy(plan: ProxyPlan): ProcessSpec {
  const { dir, port } = plan;
  const [main, documented] = [join(dir, 'global.cfg'), join(dir, 'haproxy.cfg')];
  const text = fill(readFileSync('docs/proxies/haproxy.cfg', 'utf8'), {
    'bind :8000': `bind 127.0.0.1:${port}`,
    ...plan.changes,
  });
  mkdirSync(dir, { recursive: true });
  writeFileSync(documented, withEdges(text, plan.edges));
  writeFileSync(main, `global\n  maxconn ${CONNECTIONS_MAX}\n  nbthread ${THREADS}\n`);
  return { ...specOf('haproxy', plan), args: ['-W', '-f', main, '-f', documented] };
}

function specOf(service: string, { program, dir, port }: ProxyPlan): ProcessSpec {
  return {
    ...{ name: service, service, command: program, args: [], port },
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    log: join(dir, `${service}.log`),
    ready: { port },
    stopSignal: 'SIGTERM',
  };
}

/** Throws an error if something that should be replaced is not there. */
function fill(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((filled, [from, to]) => {
    if (!filled.includes(from)) throw new Error(`the settings do not say "${from}"`);
    return filled.replaceAll(from, to);
  }, text);
}

/** Puts the lines of these edges in the place of the documented edge-1 and edge-2. */
function withEdges(text: string, edges: readonly EdgePlace[]): string {
  const [first, ...others] = [...text.matchAll(/^.*\bedge-\d:8080\b.*\n/gm)].map(([line]) => line);
  if (first === undefined) throw new Error('the settings name no edge');
  const lines = edges.map(({ port, adminPort }, index) =>
    first
      .replace('edge-1:8080', `127.0.0.1:${port}`)
      .replace('edge-1', `edge-${index + 1}`)
      .replace('port 9464', `port ${adminPort}`),
  );
  return others.reduce((rest, line) => rest.replace(line, ''), text).replace(first, lines.join(''));
}
