// The queue: how much waits, for whom and why; found by filter, looked into, and acted on. All of it stays usable with a
// million entries: the server counts on a thread of its own, and gives pages.

import { Alert, Group, SegmentedControl, Text } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Output, type Row, useCall } from '../api.ts';
import { useQueueNumbers } from '../live.ts';
import { BigTable, type Column } from '../parts/big-table.tsx';
import { formatAge, formatBytes, formatNumber, formatTime } from '../parts/format.ts';
import { PageHead } from '../parts/page-head.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { ActDialog, ActMenu, type Chosen, type QueueAct, useActWords } from './queue-acts.tsx';
import { filterNames, filterOf, type FilterSearch, isFiltered, QueueFilters } from './queue-filters.tsx';
import { QueueGroups } from './queue-groups.tsx';
import { QueueMessage, StateBadge } from './queue-message.tsx';

type QueueRow = Row<'queue.list'>;

/** Above this one wants to see groups first. */
const fewMessages = 50;

export function QueueView() {
  const { t } = useTranslation();
  const { role } = useSession();
  if (role !== 'host') return <Empty title={t("The queue is the host's: a message may be of several domains.")} />;
  return <HostQueue />;
}

function HostQueue() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { view, id, ...rest } = useSearch({ from: '/shell/queue' });
  const search: FilterSearch = Object.fromEntries(filterNames.map((name) => [name, rest[name]]));
  const filter = filterOf(search);
  const summary = useCall('queue.summary', filter, { placeholderData: (before) => before });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [act, setAct] = useState<{ readonly act: QueueAct; readonly chosen: Chosen }>();
  const change = (changed: Readonly<Record<string, string | undefined>>) => {
    setSelected(new Set());
    void navigate({ to: '/queue', search: (before) => ({ ...before, ...changed }), replace: true });
  };
  if (summary.data === undefined) return <NoAnswer error={summary.error} onRetry={() => void summary.refetch()} />;
  const isLong = summary.data.messages > fewMessages && !isFiltered(search);
  const shown = view === 'groups' || view === 'messages' ? view : isLong ? 'groups' : 'messages';
  const chosen: Chosen = selected.size > 0 ? { ids: [...selected] } : { filter };
  return (
    <>
      <PageHead title={t('Queue')} note={<Numbers summary={summary.data} isFiltered={isFiltered(search)} />}>
        <ActMenu
          isPrimary={selected.size > 0}
          isDisabled={selected.size === 0 && summary.data.messages === 0}
          label={
            selected.size > 0
              ? t('Act on the ticked: {{number}}', { number: formatNumber(selected.size) })
              : isFiltered(search)
                ? t('Act on all that match')
                : t('Act on all')
          }
          onChoose={(one) => setAct({ act: one, chosen })}
        />
      </PageHead>
      <Jobs />
      <QueueFilters search={search} onChange={change} />
      <Group justify="space-between" mb="sm">
        <SegmentedControl
          aria-label={t('View')}
          value={shown}
          onChange={(value) => change({ view: value })}
          data={[
            { value: 'groups', label: t('Groups') },
            { value: 'messages', label: t('Messages') },
          ]}
        />
        <Text size="sm" c="dimmed">
          {t('Counted {{age}}', { age: formatAge(summary.data.time) })}
        </Text>
      </Group>
      {summary.data.messages === 0 && shown === 'groups' ? (
        <NothingWaits isFiltered={isFiltered(search)} />
      ) : shown === 'groups' ? (
        <QueueGroups summary={summary.data} search={search} />
      ) : (
        <Messages
          search={search}
          selected={selected}
          onSelect={setSelected}
          onOpen={(row) => void navigate({ to: '/queue', search: (before) => ({ ...before, id: row.id }) })}
        />
      )}
      <QueueMessage id={id} onClose={() => void navigate({ to: '/queue', search: withoutId })} />
      <ActDialog
        act={act?.act}
        chosen={act?.chosen ?? { ids: [] }}
        onClose={(isDone) => {
          setAct(undefined);
          if (!isDone) return;
          setSelected(new Set());
          void summary.refetch();
        }}
      />
    </>
  );
}

function withoutId<Search extends { readonly id?: string }>(search: Search): Omit<Search, 'id'> {
  const { id: _, ...rest } = search;
  return rest;
}

/** What there is now, of all; and of the filter as it was counted. */
function Numbers({
  summary,
  isFiltered: isSome,
}: {
  readonly summary: Output<'queue.summary'>;
  readonly isFiltered: boolean;
}) {
  const { t } = useTranslation();
  const live = useQueueNumbers();
  const { messages, recipients, bytes, states, isComplete } = summary;
  const words = {
    messages: `${isComplete ? '' : '≥ '}${formatNumber(messages)}`,
    recipients: `${isComplete ? '' : '≥ '}${formatNumber(recipients)}`,
    size: formatBytes(bytes),
    hold: formatNumber(states.hold),
    deferred: formatNumber(states.deferred),
  };
  return (
    <span role="status">
      {isSome
        ? t('Matching: messages {{messages}}, recipients {{recipients}}, {{size}}', words)
        : t(
            'Messages: {{messages}} ({{deferred}} deferred, {{hold}} on hold), recipients: {{recipients}}, {{size}}',
            words,
          )}
      {live === undefined ? null : (
        <>
          {' · '}
          {t('now: recipients waiting {{recipients}}, messages in delivery {{active}}', {
            recipients: formatNumber(live.recipients),
            active: formatNumber(live.active),
          })}
        </>
      )}
    </span>
  );
}

function NothingWaits({ isFiltered: isSome }: { readonly isFiltered: boolean }) {
  const { t } = useTranslation();
  return isSome ? (
    <Empty title={t('Nothing in the queue matches')} />
  ) : (
    <Empty title={t('Nothing waits')}>
      <Text c="dimmed" ta="center">
        {t('All mail has been delivered or passed on. What cannot be delivered at once appears here.')}
      </Text>
    </Empty>
  );
}

interface MessagesProps {
  readonly search: FilterSearch;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (keys: ReadonlySet<string>) => void;
  readonly onOpen: (row: QueueRow) => void;
}

function Messages({ search, selected, onSelect, onOpen }: MessagesProps) {
  const { t } = useTranslation();
  const columns: readonly Column<QueueRow>[] = [
    { title: t('Queue id'), cell: ({ id }) => <span className="mono">{id}</span>, width: '160px' },
    { title: t('State'), cell: ({ state }) => <StateBadge state={state} />, width: '120px' },
    {
      title: t('Arrived'),
      cell: ({ arrival }) => <span title={formatTime(arrival)}>{formatAge(arrival)}</span>,
      width: '110px',
    },
    { title: t('Sender'), cell: ({ sender }) => (sender === '' ? '<>' : shownNames(sender)), width: '2fr' },
    {
      title: t('Recipient'),
      cell: ({ recipients: [first], recipientCount }) =>
        `${shownNames(first?.recipient ?? '')}${recipientCount > 1 ? ` +${formatNumber(recipientCount - 1)}` : ''}`,
      width: '2fr',
    },
    { title: t('Last reply'), cell: ({ recipients: [first] }) => shownNames(first?.reason ?? ''), width: '3fr' },
    { title: t('Size'), cell: ({ size }) => formatBytes(size), isNumber: true, width: '90px' },
  ];
  return (
    <BigTable
      label={t('Messages')}
      operation="queue.list"
      input={{ ...filterOf(search), maxRecipients: 1 }}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={onOpen}
      selection={{ keys: selected, onChange: onSelect }}
      height="calc(100dvh - 330px)"
      empty={<NothingWaits isFiltered={isFiltered(search)} />}
    />
  );
}

/** What is being done to many messages, also by others, and after one has left the page. */
function Jobs() {
  const { t } = useTranslation();
  const words = useActWords();
  const { data } = useCall(
    'queue.jobs',
    {},
    { refetchInterval: ({ state }) => (state.data?.items.some((job) => job.state === 'running') ? 5000 : false) },
  );
  const running = data?.items.filter(({ state }) => state === 'running') ?? [];
  if (running.length === 0) return null;
  return (
    <Alert variant="light" mb="md" title={t('Something is being done to the queue')}>
      {running.map(({ job, change, actor, changed, expected }) => (
        <Text key={job} size="sm" role="status">
          {t('{{change}}, by {{actor}}: {{changed}} of {{expected}}', {
            change: words[change].title,
            actor: actor.replace(/^api:/, ''),
            changed: formatNumber(changed),
            expected: formatNumber(expected),
          })}
        </Text>
      ))}
    </Alert>
  );
}
