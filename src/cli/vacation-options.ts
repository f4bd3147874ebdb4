// The vacation options of `posthaste mailbox set`, and how a vacation is shown.

import type { Command } from 'commander';
import {
  defaultVacationDays,
  maxVacationDays,
  type VacationInfo,
  type VacationSettings,
} from '../directory/vacations.ts';
import { type CommandContext, CommandError } from './context.ts';
import { formatTime } from './output.ts';
import { readInput } from './read-input.ts';

export interface VacationOptions {
  /** `--no-vacation` is false. */
  readonly vacation?: string | false;
  readonly vacationFile?: string;
  readonly vacationSubject?: string;
  readonly vacationFrom?: string;
  readonly vacationUntil?: string;
  readonly vacationDays?: string;
}

export function addVacationOptions(command: Command): Command {
  return command
    .option('--vacation <text>', 'answer mail with this text while the owner is away')
    .option('--vacation-file <file>', 'the same with the text of a file; - is standard input')
    .option('--vacation-subject <subject>', 'instead of "Auto: " and the subject of what is answered')
    .option('--vacation-from <date>', 'from this day or time on, as 2026-12-24 or 2026-12-24T12:00; now: at once')
    .option('--vacation-until <date>', 'until the end of this day, or this time; never: no end')
    .option(
      '--vacation-days <days>',
      `answer one sender once in so many days (1–${maxVacationDays}; ${defaultVacationDays})`,
    )
    .option('--no-vacation', 'answer nothing any more');
}

/** What the options change: null ends the vacation, undefined leaves it. */
export async function vacationSettings(
  context: CommandContext,
  options: VacationOptions,
): Promise<VacationSettings | null | undefined> {
  const { vacation, vacationFile, vacationSubject, vacationFrom, vacationUntil, vacationDays } = options;
  const settings: VacationSettings = {
    ...(typeof vacation === 'string' ? { text: vacation } : {}),
    ...(vacationFile === undefined ? {} : { text: await readText(context, vacationFile) }),
    ...(vacationSubject === undefined ? {} : { subject: vacationSubject }),
    ...(vacationFrom === undefined ? {} : { from: parseTime(vacationFrom, 'now', false) }),
    ...(vacationUntil === undefined ? {} : { until: parseTime(vacationUntil, 'never', true) }),
    ...(vacationDays === undefined ? {} : { days: Number(vacationDays) }),
  };
  const isChanged = Object.keys(settings).length > 0;
  if (vacation === false) {
    if (isChanged) throw new CommandError('--no-vacation and the other vacation options contradict each other', 2);
    return null;
  }
  if (typeof vacation === 'string' && vacationFile !== undefined) {
    throw new CommandError('--vacation and --vacation-file contradict each other', 2);
  }
  return isChanged ? settings : undefined;
}

async function readText(context: CommandContext, file: string): Promise<string> {
  try {
    return await readInput(context, file);
  } catch (error) {
    throw new CommandError(`the vacation's text cannot be read: ${(error as Error).message}`);
  }
}

/** A day is meant from its beginning, and to its end; in the machine's time zone. 0 for the word that opens the time. */
function parseTime(text: string, open: string, toEnd: boolean): number {
  if (text === open) return 0;
  const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  const time = day
    ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]) + (toEnd ? 1 : 0)).getTime()
    : /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)
      ? Date.parse(text.replace(' ', 'T'))
      : Number.NaN;
  if (Number.isNaN(time)) throw new CommandError(`"${text}" is not a date: write 2026-12-24, or 2026-12-24T12:00`, 2);
  return time;
}

/** Lines for `mailbox show`. */
export function vacationLines(vacation: VacationInfo | undefined): (readonly [string, string])[] {
  if (vacation === undefined) return [];
  const { subject, text, from, until, days } = vacation;
  const times = [
    ...(from === undefined ? [] : [`from ${formatTime(from)}`]),
    ...(until === undefined ? [] : [`until ${formatTime(until)}`]),
  ];
  return [
    ['vacation', [...times, `once in ${days} ${days === 1 ? 'day' : 'days'} to a sender`].join(', ')],
    ...(subject === '' ? [] : [['', `Subject: ${subject}`] as const]),
    ...text
      .trimEnd()
      .split(/\r?\n/)
      .map((line) => ['', line] as const),
  ];
}
