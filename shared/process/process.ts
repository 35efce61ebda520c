import { randomUUID } from 'node:crypto';
import type { ServiceDeps } from './boot.ts';
import { type CommonConfig, ConfigError, type Env } from './env.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';

type Start = () => Promise<{ close(): Promise<void> }>;

/**
 * Runs a service until SIGTERM or SIGINT, then closes it and exits 0; a second signal exits at
 * once. A failed start, an uncaught error or an unhandled rejection is logged, and the process
 * exits 1: a process in an unknown state must not go on.
 */
function runProcess(logger: Logger, start: Start): void {
  const die = (error: unknown, what: string): void => {
    logger.fatal({ err: error }, what);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));
  const started = start();
  let isUp = false;
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping');
    // The start may wait for NATS or a port for ever, and there is nothing to drain yet.
    if (!isUp) process.exit(0);
    started
      .then((service) => service.close())
      .then(
        () => {
          logger.info('stopped');
          process.exit(0);
        },
        (error) => die(error, 'stop failed'),
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  started.then(
    () => {
      isUp = true;
      logger.info('started');
    },
    (error) => die(error, 'start failed'),
  );
}

type Entry<Config> = {
  name: string;
  env: Env;
  /** `loadConfig` is a pure function, which throws one ConfigError with every problem. */
  loadConfig: (env: Env) => Config;
  create: (config: Config, deps: ServiceDeps) => Promise<{ close(): Promise<void> }>;
};

/** Makes configuration, logger and metrics, and runs a service. Every `main.ts` calls this. */
export function runService<Config extends CommonConfig>(service: Entry<Config>): void {
  const config = loadOrExit(service);
  const { instance, log } = config;
  const logger = createLogger({ service: service.name, instance, ...log });
  const metrics = createMetrics(service.name, instance);
  runProcess(logger, () => service.create(config, { logger, metrics }));
}

type Command<Config> = Pick<Entry<Config>, 'name' | 'env' | 'loadConfig'> & {
  run: (config: Config, logger: Logger) => Promise<void>;
};

/**
 * Runs a set-up command to its end. A failure is logged, and the process then exits 1. A random key
 * masks the ids in the log, since nobody compares the lines of two runs.
 */
export async function runCommand<Config>(command: Command<Config>): Promise<void> {
  const { name, run } = command;
  const config = loadOrExit(command);
  const hashKey = randomUUID();
  const logger = createLogger({ service: name, instance: name, level: 'info', hashKey });
  try {
    await run(config, logger);
    logger.info('done');
  } catch (error) {
    logger.fatal({ err: error }, 'failed');
    process.exitCode = 1;
  }
}

/**
 * Loads the configuration. If it is wrong, the operator must mend it, so the process writes the
 * problems to stderr without a stack, and exits 1.
 */
export function loadOrExit<Config>(service: Pick<Entry<Config>, 'env' | 'loadConfig'>): Config {
  try {
    return service.loadConfig(service.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
