import { runService } from '../../shared/process/process.ts';
import { loadConfig } from './config.ts';
import { createProfiles } from './profiles.ts';

runService({ name: 'profiles', env: process.env, loadConfig, create: createProfiles });
