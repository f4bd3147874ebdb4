// What became of messages: the newest first, found by address, id, subject, client, state and time; one message with every
// step that it took. New ones appear by themselves.

import { Box, Button, Card, Drawer, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { call, type Row } from '../api.ts';
import { formatDayTime } from '../parts/format.ts';
import { MessageStateBadge } from '../parts/message-state.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { inputOf, TraceFilters, type TraceSearch } from './trace-filters.tsx';
import { MessageDetail } from './trace-message.tsx';

export type TracedMessage = Row<'trace.list'>;

const route = getRouteApi('/shell/trace');
const pageLength = 50;
/** New messages are looked for while one stands at the top of the list. */
const refreshMilliseconds = 10_000;

export function TraceView() {
  const { t } = useTranslation();
  const { id, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const open = (next: string | undefined) =>
    void navigate({ search: { ...search, ...(next === undefined ? {} : { id: next }) }, resetScroll: false });
  return (
    <>
      <PageHead title={t('Trace')} note={t('What became of messages, step by step. Refused mail too.')} />
      <TraceFilters
        key={JSON.stringify(search)}
        search={search}
        onChange={(next) => void navigate({ search: next, replace: true })}
      />
      <Messages search={search} onOpen={open} />
      <Drawer
        opened={id !== undefined}
        onClose={() => open(undefined)}
        position="right"
        size="xl"
        title={t('What became of it')}
        closeButtonProps={{ 'aria-label': t('Close') }}
      >
        {id === undefined ? null : <MessageDetail key={id} id={id} onOpen={open} />}
      </Drawer>
    </>
  );
}

interface MessagesProps {
  readonly search: TraceSearch;
  readonly onOpen: (id: string) => void;
}

function Messages({ search, onOpen }: MessagesProps) {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    queryKey: ['trace.list', search, 'pages'],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const after = pageParam === '' ? {} : { after: pageParam };
      const input = { ...inputOf(search, Date.now()), ...after, events: false, limit: pageLength };
      return await call('trace.list', input, { signal });
    },
    getNextPageParam: ({ next }) => next,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : refreshMilliseconds),
  });
  if (query.data === undefined) return <NoAnswer error={query.error} onRetry={() => void query.refetch()} />;
  const rows = query.data.pages.flatMap(({ items }) => items);
  const isNarrowed = Object.keys(search).length > 0;
  return (
    <Stack gap="sm">
      {query.error === null ? null : <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {rows.length === 0 ? null : (
        <Card withBorder p={0}>
          <Box component="ul" className="plain-list" aria-label={t('Messages')}>
            {rows.map((row) => (
              <li key={row.queueId ?? row.session ?? row.time} className="list-row">
                <MessageButton row={row} onOpen={onOpen} />
              </li>
            ))}
          </Box>
        </Card>
      )}
      {rows.length === 0 && !query.hasNextPage ? <Nothing isNarrowed={isNarrowed} /> : null}
      {rows.length === 0 && query.hasNextPage ? (
        <Text ta="center">{t('Nothing like that in what was looked through so far.')}</Text>
      ) : null}
      {query.hasNextPage ? (
        <Group justify="center">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('Look further back')}
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}

function Nothing({ isNarrowed }: { readonly isNarrowed: boolean }) {
  const { t } = useTranslation();
  return (
    <Empty title={isNarrowed ? t('No message like that is known') : t('No message has come yet')}>
      <Text size="sm" ta="center">
        {isNarrowed
          ? t('The trace goes back as far as posthaste_trace_days says. Is the address written as the client gave it?')
          : t('Messages appear here within seconds, as soon as there are any.')}
      </Text>
    </Empty>
  );
}

const maxNamed = 2;

export function MessageButton({ row, onOpen }: { readonly row: TracedMessage; readonly onOpen: (id: string) => void }) {
  const { t } = useTranslation();
  const { queueId, session, time, state, sender, subject, client, recipients, refusal } = row;
  const id = queueId ?? session;
  const named = [...new Set(recipients.map(({ recipient, original = recipient }) => original))];
  const more = named.length - maxNamed;
  const reason = refusal ?? (state === 'delivered' ? '' : (recipients[0]?.reason ?? ''));
  const content = (
    <>
      <Text size="sm" c="dimmed" className="list-time trace-time">
        {formatDayTime(time)}
      </Text>
      <Box w={118} style={{ flexShrink: 0 }}>
        <MessageStateBadge state={state} />
      </Box>
      <Box className="trace-what">
        <Text size="sm" className="wrap-anywhere">
          {queueId === null && sender === undefined ? t('A connection') : <Sender sender={sender} />}
          {recipients.length === 0 ? null : (
            <>
              {' → '}
              <b>{shownNames(named.slice(0, maxNamed).join(', '))}</b>
              {more > 0 ? ` ${t('and {{number}} more', { number: more })}` : null}
            </>
          )}
        </Text>
        {subject === undefined ? null : (
          <Text size="sm" className="wrap-anywhere">
            <bdi>{subject}</bdi>
          </Text>
        )}
        <Text size="xs" c="dimmed" className="wrap-anywhere">
          {shownNames(client ?? '')} <bdi>{shownNames(reason)}</bdi>
        </Text>
      </Box>
    </>
  );
  if (id === undefined) return <Box className="list-button">{content}</Box>;
  return (
    <UnstyledButton className="list-button" onClick={() => onOpen(id)}>
      {content}
    </UnstyledButton>
  );
}

export function Sender({ sender }: { readonly sender: string | undefined }) {
  const { t } = useTranslation();
  if (sender === undefined) return t('somebody');
  return sender === '' ? t('<> (a notice)') : shownNames(sender);
}
