// Lints a configuration folder on a thread of its own, which ends with it: that takes a while, and mail must not wait.

import { parentPort, workerData } from 'node:worker_threads';
import { readDirectoryForLint } from '../cli/lint-directory.ts';
import { lintConfiguration } from '../lint/lint.ts';
import type { ProposedTexts } from '../settings/configuration.ts';

interface LintWork {
  readonly folder: string;
  readonly proposed: ProposedTexts;
}

const { folder, proposed } = workerData as LintWork;
const fromDirectory = await readDirectoryForLint(folder);
const { findings, cutRules } = await lintConfiguration(folder, { ...fromDirectory, proposed, isForHere: true });
parentPort?.postMessage({ findings, cutRules });
