// Tries a change of the directory out and plans it: opens the routing over the directory without the change and over the one
// with it, as `explain` does, and asks both. The real directory is never touched.

import path from 'node:path';
import type { PlanView } from '../admin/plan-sight.ts';
import type { Directory } from '../directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { openStoreReader } from '../mailstore/store-reader.ts';
import type { IsLeaving, PlanSide } from '../proof/plan/outcomes.ts';
import { makePlan } from '../proof/plan/plan.ts';
import type { Plan } from '../proof/plan/types.ts';
import { type Configuration, dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { traceFolder } from '../trace/segments.ts';
import type { CommandContext } from './context.ts';
import { type DirectorySession, withDirectory } from './directory-session.ts';
import { explainOne, openRoutingOver, serviceSettings } from './explainer.ts';

export interface PlanRequest {
  /** How many days of the trace are looked at; 0: none. */
  readonly traceDays?: number;
  /** For somebody who may see some of the host only. */
  readonly view?: PlanView | undefined;
}

/** A plan reads the trace of some days, for no longer than this. */
const maxTraceMilliseconds = 5000;
export const defaultTraceDays = 7;

/** `work` makes the change, in a directory that forgets it. */
export async function planChange(
  context: CommandContext,
  request: PlanRequest,
  work: (session: DirectorySession) => Promise<unknown>,
): Promise<Plan> {
  const configuration = await loadConfiguration(context.configDirectory);
  return await withDirectory(context, false, async (session) => {
    const { directory } = session;
    return await planOver(configuration, context, directory, request, (trial) =>
      work({ ...session, directory: trial }),
    );
  });
}

/** The same in a directory that is open. */
export async function planOver(
  configuration: Configuration,
  context: Pick<CommandContext, 'warn'>,
  opened: Directory,
  request: PlanRequest,
  work: (directory: Directory) => Promise<unknown>,
): Promise<Plan> {
  const trial = await opened.tryOut(work);
  const closers = [() => trial.close()];
  try {
    const [before, after] = [trial.before, trial.after].map((directory) =>
      openSide(configuration, context, directory, request.view, closers),
    );
    if (before === undefined || after === undefined) throw new Error('a plan has two sides');
    await Promise.all([before.ready(), after.ready()]);
    const days = request.traceDays ?? defaultTraceDays;
    const folder = path.join(dataDirectoryOf(configuration), traceFolder);
    const now = systemClock.now();
    const window = {
      folder,
      since: now - days * 86_400_000,
      clock: systemClock,
      maxMilliseconds: maxTraceMilliseconds,
    };
    return await makePlan(trial, {
      before,
      after,
      delimiters: configuration.settings.text('recipient_delimiter'),
      isLeaving: leavingBy(configuration),
      ...(days === 0 ? {} : { trace: window }),
    });
  } finally {
    for (const close of closers.reverse()) close();
  }
}

function openSide(
  configuration: Configuration,
  context: Pick<CommandContext, 'warn'>,
  directory: Directory,
  view: PlanView | undefined,
  closers: (() => void)[],
): PlanSide & { ready(): Promise<void> } {
  const store = openStoreReader(dataDirectoryOf(configuration));
  if (store !== undefined) closers.push(() => store.close());
  const routing = openRoutingOver(configuration, context, directory, store);
  closers.push(() => routing.close());
  const policy = routing.policy(serviceSettings(configuration, undefined));
  return {
    directory,
    sees: view && ((address) => view.sees(address)),
    ask: async (address) => {
      const explained = await explainOne(policy, address, {});
      return view === undefined ? explained : view.within(explained);
    },
    ready: async () => {
      await routing.tables.ready();
    },
  };
}

/** Services of smtp(8) take mail to other hosts, whatever they are called. */
function leavingBy({ services }: Configuration): IsLeaving {
  const names = new Set(services.filter(({ command }) => command === 'smtp').map(({ name }) => name));
  return ({ transport }) => names.has(transport);
}
