// The history as a file: what is filtered, page by page, until it is whole or as much as a person will read.

import { Button, Group, Menu, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { notifications } from '@mantine/notifications';
import { call, type Row } from '../api.ts';
import { formatNumber } from '../parts/format.ts';
import { saveFile, toCsv } from '../parts/save-file.ts';
import { problemText } from '../parts/states.tsx';
import { type HistoryInput, type HistorySearch, inputOf } from './history-filters.tsx';

type RevisionRow = Row<'revision.list'>;

const maxRevisions = 20_000;
const pageLength = 200;

export function HistoryDownload({ search }: { readonly search: HistorySearch }) {
  const { t } = useTranslation();
  const [count, setCount] = useState<number>();
  const leave = useRef<AbortController>(undefined);
  useEffect(() => () => leave.current?.abort(), []);
  const save = async (kind: 'csv' | 'json') => {
    const controller = new AbortController();
    leave.current = controller;
    setCount(0);
    try {
      const { rows, isCut } = await readAll(inputOf(search), controller.signal, setCount);
      if (kind === 'csv') saveFile('history.csv', 'text/csv', toCsv(linesOf(rows)));
      else saveFile('history.json', 'application/json', JSON.stringify(rows, undefined, 2));
      if (isCut) {
        const message = t('The newest {{number}} revisions are in the file: narrow the time for older ones.', {
          number: formatNumber(rows.length),
        });
        notifications.show({ message, color: 'orange', autoClose: false });
      }
    } catch (error) {
      if (!controller.signal.aborted) notifications.show({ message: problemText(error), color: 'red' });
    } finally {
      setCount(undefined);
    }
  };
  if (count !== undefined) {
    return (
      <Group gap="xs" role="status">
        <Text size="sm">{t('Revisions read: {{number}}', { number: formatNumber(count) })}</Text>
        <Button size="xs" variant="default" onClick={() => leave.current?.abort()}>
          {t('Cancel')}
        </Button>
      </Group>
    );
  }
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default">{t('Download')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void save('csv')}>{t('For a spreadsheet (CSV)')}</Menu.Item>
        <Menu.Item onClick={() => void save('json')}>{t('For programs (JSON)')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

async function readAll(input: HistoryInput, signal: AbortSignal, tell: (count: number) => void) {
  const rows: RevisionRow[] = [];
  let after: string | undefined;
  do {
    const page = { limit: pageLength, ...(after === undefined ? {} : { after }) };
    const { items, next } = await call('revision.list', { ...input, ...page }, { signal });
    for (const item of items) {
      const isWhole = item.changes.length === item.count;
      rows.push(isWhole ? item : await call('revision.show', { revision: item.mark }, { signal }));
    }
    after = next;
    tell(rows.length);
  } while (after !== undefined && rows.length < maxRevisions);
  return { rows, isCut: after !== undefined };
}

/** One line for each field that is other than before. */
function linesOf(rows: readonly RevisionRow[]): string[][] {
  const lines = [['time', 'revision', 'actor', 'action', 'object', 'field', 'before', 'after']];
  for (const { time, mark, actor, changes } of rows) {
    for (const { action, object, differences } of changes) {
      const head = [new Date(time).toISOString(), mark, actor, action, object];
      if (differences.length === 0) lines.push([...head, '', '', '']);
      for (const { field, before, after } of differences) lines.push([...head, field, textOf(before), textOf(after)]);
    }
  }
  return lines;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
