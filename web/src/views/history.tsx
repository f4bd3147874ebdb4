// What was changed, by whom, and when: the newest first, narrowed by object, person, kind and time; one revision with all its
// differences; and the way back.

import { Box, Button, Card, Drawer, Group, Loader, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Row } from '../api.ts';
import { useActionWords } from '../parts/action-words.ts';
import { useActorName } from '../parts/actor-words.ts';
import { formatDay, formatNumber, formatTimeOfDay } from '../parts/format.ts';
import { PageHead } from '../parts/page-head.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { HistoryDownload } from './history-download.tsx';
import { HistoryFilters, type HistorySearch, inputOf } from './history-filters.tsx';
import { RevisionDetail } from './history-revision.tsx';

type RevisionRow = Row<'revision.list'>;

const route = getRouteApi('/shell/history');
const pageLength = 40;

export function HistoryView() {
  const { t } = useTranslation();
  const { revision, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const open = (mark: string | undefined) =>
    void navigate({ search: { ...search, ...(mark === undefined ? {} : { revision: mark }) }, resetScroll: false });
  return (
    <>
      <PageHead title={t('History')} note={t('Every change of the directory, who made it, and the way back.')}>
        <HistoryDownload search={search} />
      </PageHead>
      <HistoryFilters
        key={JSON.stringify(search)}
        search={search}
        onChange={(next) => void navigate({ search: next, replace: true })}
      />
      <Revisions search={search} onOpen={open} />
      <Drawer
        opened={revision !== undefined}
        onClose={() => open(undefined)}
        position="right"
        size="lg"
        title={t('What was changed at once')}
        closeButtonProps={{ 'aria-label': t('Close') }}
      >
        {revision === undefined ? null : <RevisionDetail key={revision} mark={revision} onOpen={open} />}
      </Drawer>
    </>
  );
}

interface RevisionsProps {
  readonly search: HistorySearch;
  readonly onOpen: (mark: string) => void;
}

function Revisions({ search, onOpen }: RevisionsProps) {
  const { t } = useTranslation();
  const input = inputOf(search);
  const query = useInfiniteQuery({
    queryKey: ['revision.list', input, 'pages'],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const after = pageParam === '' ? {} : { after: pageParam };
      return await call('revision.list', { ...input, ...after, limit: pageLength }, { signal });
    },
    getNextPageParam: ({ next }) => next,
  });
  if (query.data === undefined) return <NoAnswer error={query.error} onRetry={() => void query.refetch()} />;
  const rows = query.data.pages.flatMap(({ items }) => items);
  const isNarrowed = Object.keys(input).length > 0;
  return (
    <Stack gap="sm">
      {rows.length > 0 ? <Days rows={rows} onOpen={onOpen} /> : null}
      {rows.length === 0 && !query.hasNextPage ? (
        <Empty title={isNarrowed ? t('Nothing like that was changed') : t('Nothing has been changed yet')} />
      ) : null}
      {rows.length === 0 && query.hasNextPage ? (
        <Text ta="center">{t('Nothing among the changes that were looked through so far.')}</Text>
      ) : null}
      {query.hasNextPage ? (
        <Group justify="center">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('Look further back')}
          </Button>
        </Group>
      ) : null}
      {query.isFetching && !query.isFetchingNextPage ? <Loader size="xs" aria-label={t('Loading')} /> : null}
    </Stack>
  );
}

function Days({ rows, onOpen }: { readonly rows: readonly RevisionRow[]; readonly onOpen: (mark: string) => void }) {
  const days = new Map<string, RevisionRow[]>();
  for (const row of rows) {
    const day = formatDay(row.time);
    const own = days.get(day);
    if (own === undefined) days.set(day, [row]);
    else own.push(row);
  }
  return [...days].map(([day, own]) => (
    <Fragment key={day}>
      <Title order={2} size="h5" mt="xs">
        {day}
      </Title>
      <Card withBorder p={0}>
        <Box component="ul" className="plain-list">
          {own.map((row) => (
            <li key={row.mark} className="list-row">
              <RevisionButton row={row} onOpen={onOpen} />
            </li>
          ))}
        </Box>
      </Card>
    </Fragment>
  ));
}

const maxTold = 3;

function RevisionButton({ row, onOpen }: { readonly row: RevisionRow; readonly onOpen: (mark: string) => void }) {
  const { t } = useTranslation();
  const wordsOf = useActionWords();
  const nameOf = useActorName();
  const { mark, time, actor, changes, count } = row;
  return (
    <UnstyledButton className="list-button" onClick={() => onOpen(mark)}>
      <Text size="sm" c="dimmed" className="list-time">
        {formatTimeOfDay(time)}
      </Text>
      <Box style={{ minWidth: 0, flex: 1 }}>
        {changes.slice(0, maxTold).map(({ action, object, differences, before, after }, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- the changes of one revision never change places
          <Text key={index} size="sm" className="wrap-anywhere">
            <span className={`dot dot-${wordsOf(action, object).color}`} aria-hidden />
            {wordsOf(action, object).text} <b>{shownNames(object)}</b>
            {before !== null && after !== null && differences.length > 0 ? (
              <Text span size="sm" c="dimmed">
                {' '}
                {differences
                  .slice(0, 4)
                  .map(({ field }) => field)
                  .join(', ')}
              </Text>
            ) : null}
          </Text>
        ))}
        {count > maxTold ? (
          <Text size="sm" c="dimmed">
            {t('and {{number}} more', { number: formatNumber(count - maxTold) })}
          </Text>
        ) : null}
        <Text size="xs" c="dimmed" className="wrap-anywhere">
          {nameOf(actor)}
        </Text>
      </Box>
    </UnstyledButton>
  );
}
