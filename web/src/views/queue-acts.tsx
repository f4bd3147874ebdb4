// What can be done to queued mail: with the numbers before it is done, the server's own number afterwards, and its progress
// where it takes long.

import { Alert, Button, Group, Menu, Modal, Progress, Stack, Text } from '@mantine/core';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Input, useCall } from '../api.ts';
import { formatBytes, formatNumber } from '../parts/format.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import type { QueueFilter } from './queue-filters.tsx';

export type QueueAct = Input<'queue.apply'>['change'];

interface ActWords {
  readonly title: string;
  readonly icon: IconName;
  /** What becomes of the mail. */
  readonly effect: string;
  readonly color?: string;
}

export const acts: readonly QueueAct[] = ['flush', 'hold', 'release', 'requeue', 'expire', 'remove'];

export function useActWords(): Readonly<Record<QueueAct, ActWords>> {
  const { t } = useTranslation();
  return {
    flush: { title: t('Try now'), icon: 'again', effect: t('They are tried at once. What is on hold stays there.') },
    hold: { title: t('Hold'), icon: 'hold', effect: t('They stay in the queue until somebody releases them.') },
    release: { title: t('Release'), icon: 'release', effect: t('They are taken from hold and tried.') },
    requeue: {
      title: t('Route again'),
      icon: 'again',
      effect: t('Where they go is decided anew, by the tables as they are now; then they are tried.'),
    },
    expire: {
      title: t('Return to sender'),
      icon: 'back',
      effect: t(
        'They are given up now, and their senders are told that they could not be delivered. What is on hold stays there until it is released.',
      ),
      color: 'orange',
    },
    remove: {
      title: t('Delete'),
      icon: 'remove',
      effect: t('They are deleted. This cannot be undone, and their senders are not told.'),
      color: 'red',
    },
  };
}

/** Chosen by hand, or all that the filter means. */
export type Chosen = { readonly ids: readonly string[] } | { readonly filter: QueueFilter };

interface ActMenuProps {
  readonly label: string;
  readonly isPrimary?: boolean;
  /** There is nothing to act on. */
  readonly isDisabled?: boolean;
  readonly onChoose: (act: QueueAct) => void;
}

export function ActMenu({ label, isPrimary = false, isDisabled = false, onChoose }: ActMenuProps) {
  const words = useActWords();
  const button = useRef<HTMLButtonElement>(null);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button ref={button} variant={isPrimary ? 'filled' : 'default'} disabled={isDisabled}>
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {acts.map((act) => (
          <Menu.Item
            key={act}
            leftSection={<Icon name={words[act].icon} />}
            {...(words[act].color === 'red' ? { color: 'red' } : {})}
            onClick={() => {
              // The dialog gives the focus back to where it came from: the menu is gone by then.
              button.current?.focus();
              onChoose(act);
            }}
          >
            {words[act].title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

interface ActDialogProps {
  readonly act: QueueAct | undefined;
  readonly chosen: Chosen;
  readonly onClose: (isDone: boolean) => void;
}

export function ActDialog({ act, chosen, onClose }: ActDialogProps) {
  const { t } = useTranslation();
  const words = useActWords();
  const [isDone, setDone] = useState(false);
  // However it is closed: by its button, the cross or Escape.
  const close = () => {
    setDone(false);
    onClose(isDone);
  };
  const onDone = () => setDone(true);
  return (
    <Modal
      opened={act !== undefined}
      onClose={close}
      title={act === undefined ? '' : words[act].title}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      {act === undefined ? null : 'ids' in chosen ? (
        <ActOnIds act={act} ids={chosen.ids} onDone={onDone} onClose={close} />
      ) : (
        <ActOnFilter act={act} filter={chosen.filter} onDone={onDone} onClose={close} />
      )}
    </Modal>
  );
}

interface ConfirmProps {
  readonly act: QueueAct;
  readonly isBusy: boolean;
  readonly isReady: boolean;
  readonly onDo: () => void;
  readonly onClose: () => void;
}

function Confirm({ act, isBusy, isReady, onDo, onClose }: ConfirmProps) {
  const { t } = useTranslation();
  const { title, effect, color } = useActWords()[act];
  return (
    <>
      <Text size="sm">{effect}</Text>
      <Group justify="flex-end">
        <Button variant="default" data-autofocus={color === 'red' || undefined} onClick={onClose}>
          {t('Cancel')}
        </Button>
        <Button
          {...(color === undefined ? {} : { color })}
          loading={isBusy}
          disabled={!isReady}
          onClick={onDo}
          data-autofocus={color !== 'red' || undefined}
        >
          {title}
        </Button>
      </Group>
    </>
  );
}

interface ActOnIdsProps {
  readonly act: QueueAct;
  readonly ids: readonly string[];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** As many as a request takes. */
const sliceLength = 200;

function ActOnIds({ act, ids, onDone, onClose }: ActOnIdsProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [done, setDone] = useState<number>();
  const work = async () => {
    let count = 0;
    const isDone = await change.run(async () => {
      for (let from = 0; from < ids.length; from += sliceLength) {
        const slice = ids.slice(from, from + sliceLength);
        count += (await call(`queue.${act}`, { ids: slice })).ids.length;
      }
    });
    if (!isDone) return;
    setDone(count);
    onDone();
  };
  if (done !== undefined) return <Done changed={done} onClose={onClose} />;
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <Text>{t('Messages: {{number}}', { number: formatNumber(ids.length) })}</Text>
      <Confirm act={act} isBusy={change.isBusy} isReady onDo={() => void work()} onClose={onClose} />
    </Stack>
  );
}

interface ActOnFilterProps {
  readonly act: QueueAct;
  readonly filter: QueueFilter;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function ActOnFilter({ act, filter, onDone, onClose }: ActOnFilterProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [job, setJob] = useState<string>();
  const summary = useCall('queue.summary', { ...filter, fresh: true }, { staleTime: 0, refetchOnMount: 'always' });
  if (job !== undefined) return <JobProgress job={job} onClose={onClose} />;
  if (summary.data === undefined) return <NoAnswer error={summary.error} onRetry={() => void summary.refetch()} />;
  const { messages, recipients, destinationCount, bytes, isComplete } = summary.data;
  const numbers = {
    messages: formatNumber(messages),
    recipients: formatNumber(recipients),
    destinations: formatNumber(destinationCount),
    size: formatBytes(bytes),
  };
  const work = async () => {
    await change.run(async () => {
      setJob((await call('queue.apply', { change: act, ...filter })).job);
      onDone();
    });
  };
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <Text fw={600}>
        {isComplete
          ? t('Messages: {{messages}} · Recipients: {{recipients}} · Domains: {{destinations}} · {{size}}', numbers)
          : t('At least: messages {{messages}} · recipients {{recipients}} · domains {{destinations}}', numbers)}
      </Text>
      <Text size="sm" c="dimmed">
        {t(
          'Those that match when their turn comes; what arrives from now on is left alone. A message is treated as a whole, with all of its recipients.',
        )}
      </Text>
      <Confirm act={act} isBusy={change.isBusy} isReady={messages > 0} onDo={() => void work()} onClose={onClose} />
    </Stack>
  );
}

/** Goes on whether somebody looks or not. */
function JobProgress({ job, onClose }: { readonly job: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange();
  const { data, error, refetch } = useCall(
    'queue.job',
    { job },
    { refetchInterval: ({ state }) => (state.data === undefined || state.data.state === 'running' ? 1000 : false) },
  );
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.state === 'done') return <Done changed={data.changed} onClose={onClose} />;
  const percent = Math.min(100, (data.seen / Math.max(1, data.expected)) * 100);
  return (
    <Stack>
      {data.state === 'failed' ? (
        <Alert color="red" variant="light" title={t('It ended before all was done')}>
          {data.problem}
        </Alert>
      ) : null}
      <Text role="status">
        {t('{{changed}} changed, {{seen}} of {{expected}} looked at', {
          changed: formatNumber(data.changed),
          seen: formatNumber(data.seen),
          expected: formatNumber(data.expected),
        })}
      </Text>
      <Progress value={percent} aria-label={t('Progress')} animated={data.state === 'running'} />
      {data.state === 'running' ? (
        <Text size="sm" c="dimmed">
          {t('You can leave this: it goes on by itself. What is done stays done.')}
        </Text>
      ) : null}
      <Group justify="flex-end">
        {data.state === 'running' ? (
          <Button variant="default" onClick={() => void change.run(() => call('queue.stop', { job }))}>
            {t('Stop')}
          </Button>
        ) : null}
        <Button onClick={onClose}>{t('Close')}</Button>
      </Group>
    </Stack>
  );
}

function Done({ changed, onClose }: { readonly changed: number; readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Text role="status">
        {changed === 0
          ? t('Nothing was to be changed: they have left the queue, or were so already.')
          : t('Done. Messages that were changed: {{number}}', { number: formatNumber(changed) })}
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose} autoFocus>
          {t('Close')}
        </Button>
      </Group>
    </Stack>
  );
}
