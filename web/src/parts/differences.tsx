// What is other than before about an object, field by field: of a list what came and what went, of an object that comes or
// goes only what it is. Whatever stands there is somebody's text, and shown as text.

import { Badge, Box, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';
import { formatBytes, formatNumber, formatTime } from './format.ts';
import { useActionWords } from './action-words.ts';
import { shownNames } from './shown-name.ts';

export type ObjectChange = Output<'directory.plan'>['objects'][number];
type Difference = ObjectChange['differences'][number];

/** Of a long list so many entries are shown at first. */
const usualEntries = 12;
/** They say when, not what. */
const untold = new Set(['created', 'id', 'passwordChanged']);

export function ObjectChanges({ changes }: { readonly changes: readonly ObjectChange[] }) {
  return (
    <Stack gap="md">
      {changes.map((change, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the changes of one revision never change places
        <ObjectDifference key={index} change={change} />
      ))}
    </Stack>
  );
}

export function ObjectDifference({ change }: { readonly change: ObjectChange }) {
  const wordsOf = useActionWords();
  const { action, object, differences, before, after } = change;
  const words = wordsOf(action, object);
  const told = differences.filter((one) => isTold(one, object, before === null || after === null));
  return (
    <Box>
      <Group gap="xs" mb={4}>
        <Badge variant="light" color={words.color} tt="none">
          {words.text}
        </Badge>
        <Text fw={600} className="mono" size="sm">
          {shownNames(object)}
        </Text>
      </Group>
      {told.length === 0 ? null : (
        <Box component="dl" className="differences">
          {told.map((difference) => (
            <FieldDifference key={difference.field} difference={difference} />
          ))}
        </Box>
      )}
    </Box>
  );
}

/** What nobody has set, and its name, are not worth a line where all of an object is told. */
function isTold({ field, before, after }: Difference, object: string, isWhole: boolean): boolean {
  if (untold.has(field)) return false;
  if (!isWhole) return true;
  const value = before ?? after;
  return value !== object && !(value === '' || value === 0 || (Array.isArray(value) && value.length === 0));
}

function FieldDifference({ difference }: { readonly difference: Difference }) {
  const { t } = useTranslation();
  const { field, before, after } = difference;
  const isList = Array.isArray(before) || Array.isArray(after);
  return (
    <>
      <Text component="dt" size="sm" c="dimmed">
        {field}
      </Text>
      <Text component="dd" size="sm" className="mono">
        {isList ? (
          <Entries before={asList(before)} after={asList(after)} />
        ) : (
          <>
            {before === undefined ? null : (
              <del className="was">
                <span className="visually-hidden">{t('before:')} </span>
                {shownNames(formatValue(field, before))}
              </del>
            )}
            {before === undefined || after === undefined ? null : <span aria-hidden> → </span>}
            {after === undefined ? null : (
              <ins className="is">
                <span className="visually-hidden">{t('after:')} </span>
                {shownNames(formatValue(field, after))}
              </ins>
            )}
          </>
        )}
      </Text>
    </>
  );
}

interface EntriesProps {
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
}

function Entries({ before, after }: EntriesProps) {
  const { t } = useTranslation();
  const [isWhole, setWhole] = useState(false);
  const [had, has] = [before, after].map((list) => new Set(list.map((one) => formatValue('', one))));
  const gone = [...(had ?? [])].filter((one) => has?.has(one) !== true);
  const come = [...(has ?? [])].filter((one) => had?.has(one) !== true);
  if (gone.length + come.length === 0) return <>{t('the same in another order')}</>;
  const all = [...gone.map((text) => ({ text, isGone: true })), ...come.map((text) => ({ text, isGone: false }))];
  const shown = isWhole ? all : all.slice(0, usualEntries);
  return (
    <>
      {shown.map(({ text, isGone }) => (
        <Box key={`${isGone} ${text}`}>
          {isGone ? <del className="was">− {shownNames(text)}</del> : <ins className="is">+ {shownNames(text)}</ins>}
        </Box>
      ))}
      {shown.length === all.length ? null : (
        <Button size="compact-xs" variant="subtle" onClick={() => setWhole(true)}>
          {t('{{count}} more', { count: all.length - shown.length })}
        </Button>
      )}
    </>
  );
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function formatValue(field: string, value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') {
    if (field.endsWith('Bytes')) return formatBytes(value);
    // Milliseconds since 1970, from 2001 on.
    return value > 1e12 ? formatTime(value) : formatNumber(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
