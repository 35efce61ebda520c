import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createEdge } from './edge.ts';

runService({ name: 'edge', env: process.env, loadConfig, create: createEdge });
