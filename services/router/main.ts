import { createLogger } from '../../shared/logger.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { runProcess } from '../../shared/process.ts';
import { loadConfig } from './config.ts';
import { createRouter } from './router.ts';

const config = loadConfig(process.env);
const { instance } = config;
const logger = createLogger({ service: 'router', instance, ...config.log });
const metrics = createMetrics('router', instance);

runProcess(logger, () => createRouter(config, { logger, metrics }));
