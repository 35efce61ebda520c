import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createPush } from './push.ts';

runService({ name: 'push', env: process.env, loadConfig, create: createPush });
