import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createRetention } from './retention.ts';

runService({ name: 'retention', env: process.env, loadConfig, create: createRetention });
