// Explains addresses by the directory as it was, on a thread of its own: to replay all events of a large directory takes
// seconds, in which the server has mail to take.

import { parentPort, workerData } from 'node:worker_threads';
import type { ExplainQuestion } from '../admin/server-parts.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { explainedFor, flowFacts } from './explained.ts';
import { openForExplaining, parseMoment, serviceSettings } from './explainer.ts';

const { directory, questions, at } = workerData as {
  readonly directory: string;
  readonly at: string;
  readonly questions: readonly ExplainQuestion[];
};

const configuration = await loadConfiguration(directory);
const opened = await openForExplaining(configuration, { warn: () => undefined }, parseMoment(at));
try {
  const settings = serviceSettings(configuration, questions[0]?.service);
  const policy = opened.routing.policy(settings);
  await opened.routing.tables.ready();
  const facts = flowFacts(configuration, opened.directory);
  const answers = [];
  for (const question of questions) answers.push(await explainedFor(policy, question, facts, settings));
  parentPort?.postMessage(answers);
} finally {
  opened.close();
}
