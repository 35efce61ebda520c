import { openFilesMax } from '../../shared/process/open-files.ts';
import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createEdge } from './edge.ts';

runService({
  name: 'edge',
  env: process.env,
  loadConfig: (env) => loadConfig(env, openFilesMax()),
  create: createEdge,
});
