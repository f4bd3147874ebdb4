// Lints a configuration folder on a thread of its own, as often as it is asked: that takes a while, and mail must not wait.

import { parentPort, workerData } from 'node:worker_threads';
import { readDirectoryForLint } from '../cli/lint-directory.ts';
import { lintConfiguration } from '../lint/lint.ts';
import type { ProposedTexts } from '../settings/configuration.ts';

const { folder } = workerData as { readonly folder: string };

parentPort?.on('message', (proposed: ProposedTexts) => {
  lint(proposed).then(
    (answer) => parentPort?.postMessage(answer),
    (error: unknown) => parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error) }),
  );
});

async function lint(proposed: ProposedTexts): Promise<object> {
  const fromDirectory = await readDirectoryForLint(folder);
  const { findings, cutRules } = await lintConfiguration(folder, { ...fromDirectory, proposed, isForHere: true });
  return { findings, cutRules };
}
