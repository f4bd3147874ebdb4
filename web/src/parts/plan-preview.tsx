// A change that is shown before it is made. What it would do to mail is asked first (directory.plan): a change that moves no
// mail is made at once, any other is shown and waits for a word. Afterwards "Undo" takes back exactly what was made.
//
//   const planned = usePlannedChange();
//   const made = await planned.run({ operation: 'alias.set', input, etag, done: t('Saved') });   // undefined: it was left
//   … {planned.dialog}

import { Alert, Button, Group, Loader, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, callWithTag, type Input, type OperationName, type Output, Problem } from '../api.ts';
import { formatNumber } from './format.ts';
import { isWorthASight, type Plan } from './plan-groups.ts';
import { PlanView } from './plan-view.tsx';
import { Failed, problemText } from './states.tsx';

export interface Wanted<Name extends OperationName> {
  readonly operation: Name;
  readonly input: Input<Name>;
  readonly etag?: string | undefined;
  /** Told when it is made: "Saved". */
  readonly done: string;
  /** The dialog's title; without, a general one. */
  readonly title?: string | undefined;
  /** The word on the button that makes it; without, "Make this change". */
  readonly confirm?: string | undefined;
  /** Made without a plan: something new, or what is no matter of routing. It can be undone all the same. */
  readonly isPlain?: boolean | undefined;
  /** What is asked also where no mail is affected: to remove something. */
  readonly asksAlways?: boolean | undefined;
}

export interface PlannedChange {
  /** It is being planned, shown or made. */
  readonly isBusy: boolean;
  /** Why it was refused: to be shown where it was typed. */
  readonly problem: Problem | undefined;
  /** The problem is of no interest any more. */
  readonly forget: () => void;
  /** To be rendered anywhere. */
  readonly dialog: ReactNode;
  /** What the operation gave; undefined where it was left or refused. */
  run<Name extends OperationName>(wanted: Wanted<Name>): Promise<Output<Name> | undefined>;
  /** Undoes a revision. */
  revert(revision: string, words: Pick<Wanted<'revision.revert'>, 'title' | 'done'>): Promise<boolean>;
  /** Makes the directory what a text says. */
  apply(
    input: Input<'directory.apply'>,
    words: Pick<Wanted<'directory.apply'>, 'title' | 'done'>,
  ): Promise<Output<'directory.apply'> | undefined>;
}

/** Beyond so many addresses a plan gives numbers. */
const maxPlanned = 300;
/** A plan that takes longer says so. */
const patienceMilliseconds = 400;

type Shown =
  | { readonly state: 'planning' }
  | { readonly state: 'planned'; readonly plan: Plan }
  | { readonly state: 'unknown'; readonly problem: Problem };

interface Asking {
  readonly shown: Shown;
  readonly title: string | undefined;
  readonly confirm: string | undefined;
  /** It has been decided. */
  readonly isMaking?: boolean;
  /** How the person decides. */
  readonly decide: (isWanted: boolean) => void;
}

interface Work<T> {
  readonly ask: Input<'directory.plan'>;
  readonly make: () => Promise<{ readonly value: T; readonly revision: string | undefined }>;
  readonly words: Pick<Wanted<OperationName>, 'done' | 'title' | 'confirm' | 'asksAlways' | 'isPlain'>;
}

export function usePlannedChange(): PlannedChange {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<Asking>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const leave = useRef<AbortController>(undefined);
  useEffect(() => () => leave.current?.abort(), []);

  const start = async <T,>({ ask, make, words }: Work<T>): Promise<T | undefined> => {
    setBusy(true);
    setProblem(undefined);
    try {
      if (words.isPlain !== true && !(await isWanted(ask, words))) return undefined;
      setAsking((now) => now && { ...now, isMaking: true });
      const { value, revision } = await make();
      await queries.invalidateQueries();
      tellDone(queries, words.done, revision, {
        undo: t('Undo'),
        undone: t('Undone'),
        failed: t('It could not be undone'),
        unchanged: t('It was so already: nothing has changed'),
        close: t('Close'),
      });
      return value;
    } catch (error) {
      if (error instanceof Problem) setProblem(error);
      else notifications.show({ message: problemText(error), color: 'red' });
      return undefined;
    } finally {
      setAsking(undefined);
      setBusy(false);
    }
  };

  /** Throws the Problem of a change that would be refused. */
  const isWanted = async (ask: Work<unknown>['ask'], words: Work<unknown>['words']): Promise<boolean> => {
    const controller = new AbortController();
    leave.current = controller;
    const decision = Promise.withResolvers<boolean>();
    const show = (shown: Shown) =>
      setAsking({
        shown,
        title: words.title,
        confirm: words.confirm,
        decide: (isYes) => {
          if (!isYes) controller.abort();
          decision.resolve(isYes);
        },
      });
    const slow = setTimeout(() => show({ state: 'planning' }), patienceMilliseconds);
    try {
      const plan = await call('directory.plan', { ...ask, limit: maxPlanned }, { signal: controller.signal });
      clearTimeout(slow);
      if (!isWorthASight(plan) && words.asksAlways !== true) return true;
      show({ state: 'planned', plan });
    } catch (error) {
      clearTimeout(slow);
      if (controller.signal.aborted) return false;
      // What the change itself would be refused with is its answer; that nothing could be found out is a third one.
      if (!(error instanceof Problem) || !isUnknown(error)) throw error;
      show({ state: 'unknown', problem: error });
    }
    return await decision.promise;
  };

  return {
    isBusy,
    problem,
    forget: () => setProblem(undefined),
    dialog: asking === undefined ? null : <PlanDialog asking={asking} />,
    run: async ({ operation, input, etag, ...words }) =>
      await start({
        ask: { operation, input: input as Readonly<Record<string, unknown>> },
        make: async () => await callWithTag(operation, input, { etag }),
        words,
      }),
    revert: async (revision, words) => {
      const made = await start({
        ask: { revision: revision },
        make: async () => {
          const value = await call('revision.revert', { revision: revision });
          return { value, revision: value.made };
        },
        words: { ...words, confirm: t('Undo it'), asksAlways: true },
      });
      return made !== undefined;
    },
    apply: async (input, words) =>
      await start({
        ask: input,
        make: async () => await callWithTag('directory.apply', input),
        words: { ...words, confirm: t('Apply'), asksAlways: true },
      }),
  };
}

/** No answer, or one that says "try again" or "too many": nothing is known of the change. */
function isUnknown({ status }: Problem): boolean {
  return status === 0 || status === 429 || status >= 500;
}

interface UndoWords {
  readonly undo: string;
  readonly undone: string;
  readonly failed: string;
  readonly unchanged: string;
  readonly close: string;
}

/** Longer than other notices: one has to read it, see what it did, and decide. */
const undoMilliseconds = 20_000;

function tellDone(queries: QueryClient, done: string, revision: string | undefined, words: UndoWords): void {
  const closeButtonProps = { 'aria-label': words.close };
  if (revision === undefined) {
    notifications.show({ message: words.unchanged, closeButtonProps });
    return;
  }
  const undo = async () => {
    notifications.hide(id);
    try {
      const { notes } = await call('revision.revert', { revision: revision });
      await queries.invalidateQueries();
      notifications.show({ title: words.undone, message: notes.join(' '), color: 'green', closeButtonProps });
    } catch (error) {
      notifications.show({
        title: words.failed,
        message: problemText(error),
        color: 'red',
        autoClose: false,
        closeButtonProps,
      });
    }
  };
  const id = notifications.show({
    color: 'green',
    closeButtonProps,
    autoClose: undoMilliseconds,
    message: (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm">{done}</Text>
        <Button size="compact-sm" variant="light" onClick={() => void undo()} style={{ flexShrink: 0 }}>
          {words.undo}
        </Button>
      </Group>
    ),
  });
}

function PlanDialog({ asking: { shown, title, confirm, isMaking = false, decide } }: { readonly asking: Asking }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={() => (isMaking ? undefined : decide(false))}
      title={title ?? t('What this change does to mail')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      <Stack>
        {shown.state === 'planning' ? <Planning /> : null}
        {shown.state === 'planned' ? <PlanView plan={shown.plan} /> : null}
        {shown.state === 'unknown' ? (
          <>
            <Alert color="orange" variant="light" title={t('What this does to mail could not be found out')}>
              {t('Nothing has been changed yet. You can try again in a moment, or make the change without knowing.')}
            </Alert>
            <Failed error={shown.problem} />
          </>
        ) : null}
        <Group justify="flex-end" className="dialog-buttons">
          <Button variant="default" disabled={isMaking} onClick={() => decide(false)}>
            {t('Cancel')}
          </Button>
          {shown.state === 'planning' ? null : (
            <Button
              onClick={() => decide(true)}
              loading={isMaking}
              {...(isAlarming(shown) ? { color: 'red' } : { 'data-autofocus': true })}
            >
              {shown.state === 'unknown' ? t('Change anyway') : (confirm ?? t('Make this change'))}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

/** What loses mail is not confirmed by an Enter too many. */
function isAlarming(shown: Shown): boolean {
  if (shown.state !== 'planned') return shown.state === 'unknown';
  return shown.plan.flags.some(({ kind }) => kind !== 'leaves-host' && kind !== 'catch-all-widened');
}

function Planning() {
  const { t } = useTranslation();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Group wrap="nowrap" role="status">
      <Loader size="sm" />
      <Stack gap={0}>
        <Text size="sm">{t('Every address that this may concern is asked about, before and after.')}</Text>
        <Text size="sm" c="dimmed">
          {t('Nothing is changed meanwhile. Seconds so far: {{number}}', { number: formatNumber(seconds) })}
        </Text>
      </Stack>
    </Group>
  );
}
