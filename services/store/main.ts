import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createStore } from './store.ts';

runService({ name: 'store', env: process.env, loadConfig, create: createStore });
