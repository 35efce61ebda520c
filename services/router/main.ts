import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createRouter } from './router.ts';

runService({ name: 'router', env: process.env, loadConfig, create: createRouter });
