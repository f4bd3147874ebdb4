// A table of any length: only the rows in sight exist, further pages are fetched as one scrolls to them. A grid for the keyboard:
// arrows, Page and Home/End move along the rows, Enter opens one.

import { Box, Center, Checkbox, Loader, Table } from '@mantine/core';
import { type InfiniteData, useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Input, type ListName, type Row } from '../api.ts';
import { Failed, Loading } from './states.tsx';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ReactNode;
  readonly width?: string;
  readonly isNumber?: boolean;
}

export interface BigTableProps<Name extends ListName> {
  readonly label: string;
  /** The operation that gives the rows, a page at a time. */
  readonly operation: Name;
  /** What it is asked with, besides the page. */
  readonly input: Omit<Input<Name>, 'after' | 'limit'>;
  readonly columns: readonly Column<Row<Name>>[];
  readonly keyOf: (row: Row<Name>) => string;
  readonly onOpen?: (row: Row<Name>) => void;
  readonly empty: ReactNode;
  /** Rows that are ticked, by their keys; Space ticks the row that one is at. */
  readonly selection?: Selection | undefined;
  readonly height?: number | string;
  /** Looks again every so many milliseconds. */
  readonly refreshMilliseconds?: number;
}

export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly onChange: (keys: ReadonlySet<string>) => void;
}

const pageLength = 200;
const rowHeight = 42;

/** What a page of any list looks like; `next` is absent on the last. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

export function BigTable<Name extends ListName>(props: BigTableProps<Name>) {
  type T = Row<Name>;
  const {
    label,
    operation,
    input,
    columns,
    keyOf,
    onOpen,
    empty,
    selection,
    height = 'calc(100dvh - 230px)',
    refreshMilliseconds,
  } = props;
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const hands = useRef<Hands>({ keyOf: () => '', pick: () => undefined, tick: () => undefined });
  const query = useInfiniteQuery<Page<T>, Error, InfiniteData<Page<T>>, readonly unknown[], string>({
    queryKey: [operation, input, 'pages'],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const asked = { ...input, limit: pageLength, ...(pageParam === '' ? {} : { after: pageParam }) };
      return (await call(operation, asked as Input<Name>, { signal })) as Page<T>;
    },
    getNextPageParam: ({ next }) => next,
    ...(refreshMilliseconds === undefined ? {} : { refetchInterval: refreshMilliseconds }),
  });
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const seen = virtual.getVirtualItems();
  const last = seen.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= rows.length - 40) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, rows.length]);
  if (query.isPending) return <Loading />;
  if (query.error !== null && rows.length === 0)
    return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  if (rows.length === 0) return empty;
  const tick = (keys: readonly string[], isOn: boolean) => {
    const next = new Set(selection?.keys);
    for (const key of keys) {
      if (isOn) next.add(key);
      else next.delete(key);
    }
    selection?.onChange(next);
  };
  const move = (event: KeyboardEvent) => {
    const step = steps(rows.length)[event.key];
    if (event.key === ' ' && selection !== undefined && event.target === scroller.current) {
      event.preventDefault();
      const row = rows[at];
      if (row !== undefined) tick([keyOf(row)], !selection.keys.has(keyOf(row)));
    } else if (event.key === 'Enter' && event.target === scroller.current) {
      const row = rows[at];
      if (row !== undefined) onOpen?.(row);
    } else if (step !== undefined && event.target === scroller.current) {
      event.preventDefault();
      const next = Math.max(0, Math.min(rows.length - 1, step(at)));
      setAt(next);
      virtual.scrollToIndex(next);
    }
  };
  // The same for every row: rows that stay in sight are not drawn again while one scrolls.
  hands.current = {
    keyOf: keyOf as (row: unknown) => string,
    pick: (index) => {
      setAt(index);
      const row = rows[index];
      if (row !== undefined) onOpen?.(row);
    },
    tick: (index, isOn) => {
      const row = rows[index];
      if (row !== undefined) tick([keyOf(row)], isOn);
    },
  };
  const widths = columns.map(({ width = '1fr' }) => `minmax(0, ${width})`);
  const template = [...(selection === undefined ? [] : ['22px']), ...widths].join(' ');
  const areAllTicked = selection !== undefined && rows.every((row) => selection.keys.has(keyOf(row)));
  return (
    <Box
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={hasNextPage ? -1 : rows.length + 1}
      aria-activedescendant={`row-${at}`}
      tabIndex={0}
      className="big-table"
      style={{ height, maxHeight: rows.length * rowHeight + rowHeight }}
      onKeyDown={move}
    >
      <Box role="row" aria-rowindex={1} className="big-table-head" style={{ gridTemplateColumns: template }}>
        {selection === undefined ? null : (
          <Box role="columnheader">
            <Checkbox
              size="xs"
              aria-label={t('Tick all rows that are loaded')}
              checked={areAllTicked}
              indeterminate={!areAllTicked && selection.keys.size > 0}
              onChange={(event) => tick(rows.map(keyOf), event.currentTarget.checked)}
            />
          </Box>
        )}
        {columns.map(({ title, isNumber }) => (
          <Box role="columnheader" key={title} ta={isNumber ? 'end' : 'start'}>
            {title}
          </Box>
        ))}
      </Box>
      <Box role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {seen.map(({ index, start }) => {
          const row = rows[index] as T;
          return (
            <Line
              key={keyOf(row)}
              row={row}
              index={index}
              start={start}
              isCurrent={index === at}
              isTicked={selection?.keys.has(keyOf(row))}
              columns={columns}
              template={template}
              isOpenable={onOpen !== undefined}
              hands={hands}
            />
          );
        })}
      </Box>
      {isFetchingNextPage ? (
        <Center p="xs">
          <Loader size="sm" />
        </Center>
      ) : null}
    </Box>
  );
}

interface Hands {
  keyOf: (row: unknown) => string;
  pick: (index: number) => void;
  tick: (index: number, isOn: boolean) => void;
}

interface LineProps<T> {
  readonly row: T;
  readonly index: number;
  readonly start: number;
  readonly isCurrent: boolean;
  /** Undefined: rows are not ticked here. */
  readonly isTicked: boolean | undefined;
  readonly columns: readonly Column<T>[];
  readonly template: string;
  readonly isOpenable: boolean;
  readonly hands: RefObject<Hands>;
}

function LineOf<T>(props: LineProps<T>) {
  const { row, index, start, isCurrent, isTicked, columns, template, isOpenable, hands } = props;
  const { t } = useTranslation();
  return (
    // Opened by the grid's own keys too.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isCurrent}
      className="big-table-row"
      data-openable={isOpenable}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)`, height: rowHeight }}
      onClick={() => hands.current.pick(index)}
    >
      {isTicked === undefined ? null : (
        // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
        <div role="gridcell" onClick={(event) => event.stopPropagation()}>
          <input
            type="checkbox"
            className="big-table-tick"
            tabIndex={-1}
            aria-label={t('Tick {{name}}', { name: hands.current.keyOf(row) })}
            checked={isTicked}
            onChange={(event) => hands.current.tick(index, event.currentTarget.checked)}
          />
        </div>
      )}
      {columns.map(({ title, cell, isNumber }) => (
        <div role="gridcell" key={title} className="big-table-cell" style={isNumber ? { textAlign: 'end' } : undefined}>
          {cell(row)}
        </div>
      ))}
    </div>
  );
}

const Line = memo(LineOf) as typeof LineOf;

/** A few rows that are all there. */
export function SmallTable<T>({ label, rows, columns, keyOf }: SmallTableProps<T>) {
  return (
    // Where it is too narrow it is scrolled, by the keyboard too (WCAG 2.1.1).
    <Table.ScrollContainer minWidth={480} type="native" role="group" aria-label={label} tabIndex={0}>
      <Table aria-label={label} verticalSpacing="xs" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title, isNumber }) => (
              <Table.Th key={title} ta={isNumber ? 'end' : 'start'}>
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={keyOf(row)}>
              {columns.map(({ title, cell, isNumber }) => (
                <Table.Td key={title} ta={isNumber ? 'end' : 'start'}>
                  {cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface SmallTableProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
}

function steps(count: number): Readonly<Record<string, (at: number) => number>> {
  return {
    ArrowDown: (at) => at + 1,
    ArrowUp: (at) => at - 1,
    PageDown: (at) => at + 15,
    PageUp: (at) => at - 15,
    Home: () => 0,
    End: () => count - 1,
  };
}
