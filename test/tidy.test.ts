import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findClocks, findIdleExceptions } from './tidy/clock-rules.ts';
import { findFragments } from './tidy/comment-rules.ts';
import { findDeadPaths, findOversizeDocument } from './tidy/doc-rules.ts';
import { findUnusedExports } from './tidy/export-rules.ts';
import { findCrowdedFolders, findStrayTests } from './tidy/folder-rules.ts';
import { findImportCircles } from './tidy/import-circles.ts';
import { findBadImports, findSocketImports } from './tidy/import-rules.ts';
import { listTree, readTree, sourcesOf } from './tidy/read-tree.ts';
import { findOversize, findOversizeTree } from './tidy/size-rules.ts';
import { findBadName, findForbiddenText, findMachineTraces } from './tidy/text-rules.ts';
import { findRefusedWords } from './tidy/word-rules.ts';

/**
 * These tests check the part of the house style that a machine can check, over the whole tree. They
 * only read text and run no compiler.
 */
const root = process.cwd();
const files = readTree(root);
const sources = sourcesOf(files);

t.ok(sources.length > 50, 'the tree is found');

t.test('files, functions and lines are small, parameters few', async (t) => {
  t.same(sources.flatMap(findOversize), []);
  t.same(findOversizeTree(sources), []);
});

t.test('imports point down: main → wiring → parts → shared', async (t) => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const production = Object.keys(manifest.dependencies);
  const packages = {
    production: new Set(production),
    all: new Set([...production, ...Object.keys(manifest.devDependencies)]),
  };
  t.same(
    sources.flatMap((file) => findBadImports(file, packages)),
    [],
  );
  t.same(findSocketImports(sources), []);
});

t.test('no file imports itself by way of others, not even for a type', async (t) => {
  t.same(findImportCircles(sources), []);
});

t.test('another file uses each export', async (t) => {
  t.same(findUnusedExports(sources), []);
});

t.test('a folder is about one thing, and a test stands beside what it tests', async (t) => {
  t.same(findCrowdedFolders(sources), []);
  t.same(findStrayTests(sources), []);
});

t.test('names are kebab-case and say what is in the file', async (t) => {
  t.same(files.flatMap(findBadName), []);
});

t.test('identifiers say participant, device queue and durable event', async (t) => {
  t.same(sources.flatMap(findRefusedWords), []);
});

t.test('nothing forbidden is left in the sources', async (t) => {
  t.same(sources.flatMap(findForbiddenText), []);
});

t.test('what lasts is measured by the steady clock', async (t) => {
  t.same(sources.flatMap(findClocks), []);
  t.same(findIdleExceptions(sources), []);
});

t.test('a doc comment opens with a sentence', async (t) => {
  t.same(sources.flatMap(findFragments), []);
});

t.test('documents name files that are there, and the architecture is short', async (t) => {
  t.same(findDeadPaths(files, listTree(root)), []);
  t.same(files.flatMap(findOversizeDocument), []);
});

t.test('no file knows the machine it was written on', async (t) => {
  const written = files.filter(({ path }) => path !== 'package-lock.json');
  t.same(written.flatMap(findMachineTraces), []);
  const lock = files.find(({ path }) => path === 'package-lock.json');
  t.notMatch(lock?.text ?? '', /"resolved"/, 'the lock names no registry');
});
