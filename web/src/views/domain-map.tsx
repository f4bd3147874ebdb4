// All mail of a domain as one picture: its addresses, aliases, lists and where each leads, with what should be looked at marked.
// Also as a table, and around one address.

import { Alert, Autocomplete, Badge, Button, Card, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import {
  type DomainFlow,
  drawnMap,
  type GroupWords,
  knownAddresses,
  mapCounts,
  type Only,
} from '../graph/domain-flow.ts';
import { edgeName } from '../graph/explanation-flow.ts';
import { FlowGraph } from '../graph/flow-graph.tsx';
import { FlowTable } from '../graph/flow-table.tsx';
import { useFlowWords } from '../graph/flow-words.ts';
import { formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { MapPanel } from './domain-map-panel.tsx';

const route = getRouteApi('/shell/domains/$domain');

export function FlowMapTab({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const { data, error, refetch, isFetching } = useCall('domain.flow', { name: domain });
  if (data === undefined) {
    return (
      <NoAnswer error={error} onRetry={() => void refetch()}>
        {t('Every address of the domain is asked where its mail goes.')}
      </NoAnswer>
    );
  }
  if (data.nodes.length === 0 && data.plain.length === 0) {
    return (
      <Empty title={t('Nothing to draw yet')}>
        <Text size="sm">{t('Add a mailbox or an alias: then you see here where its mail goes.')}</Text>
      </Empty>
    );
  }
  return <DomainMap told={data} isRefreshing={isFetching} onRefresh={() => void refetch()} />;
}

interface MapProps {
  readonly told: DomainFlow;
  readonly isRefreshing: boolean;
  readonly onRefresh: () => void;
}

interface MapSearch {
  readonly tab?: string;
  readonly search?: string;
  readonly open?: string;
  readonly view?: string;
  readonly only?: string;
}

function DomainMap({ told, isRefreshing, onRefresh }: MapProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const groupWords = useGroupWords();
  const search: MapSearch = route.useSearch();
  const navigate = route.useNavigate();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const only = (search.only ?? 'all') as Only;
  const look = (changed: { readonly [Name in keyof MapSearch]?: string | undefined }) => {
    const given = Object.entries({ ...search, ...changed }).filter(([, value]) => value !== undefined && value !== '');
    void navigate({ search: Object.fromEntries(given), replace: true, resetScroll: false });
  };
  const flow = useMemo(
    () => drawnMap(told, { open, focus: search.search, only }, words, groupWords),
    [told, open, search.search, only, words, groupWords],
  );
  const counts = useMemo(() => mapCounts(told), [told]);
  const label = t('Map of the mail of {{domain}}', { domain: told.domain });
  const toggle = (group: string) => {
    const next = new Set(open);
    if (!next.delete(group)) next.add(group);
    setOpen(next);
  };
  const isTable = search.view === 'table';
  return (
    <Stack gap="sm">
      {told.isCut ? (
        <Alert color="orange" variant="light">
          {t('This domain is larger than the map: the first {{rows}} mailboxes, aliases and lists are drawn.', {
            rows: formatNumber(told.rows),
          })}
        </Alert>
      ) : null}
      <MapTools told={told} search={search} only={only} counts={counts} onLook={look} />
      <Card withBorder p="xs">
        <Group justify="space-between" px="xs" pb="xs">
          <Group gap="xs">
            <Badge variant="light" color="post" tt="none">
              {t('Addresses: {{count}}', { count: counts.addresses })}
            </Badge>
            {counts.leaving === 0 ? null : (
              <Badge variant="light" color="orange" tt="none">
                {t('Leave the host: {{count}}', { count: counts.leaving })}
              </Badge>
            )}
            {counts.problems === 0 ? (
              <Badge variant="light" color="green" tt="none">
                {t('Nothing to mend')}
              </Badge>
            ) : (
              <Badge variant="light" color="red" tt="none" leftSection={<Icon name="warning" size={12} />}>
                {t('To look at: {{count}}', { count: counts.problems })}
              </Badge>
            )}
          </Group>
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={onRefresh} loading={isRefreshing}>
              {t('Draw again')}
            </Button>
            <SegmentedControl
              size="xs"
              value={isTable ? 'table' : 'picture'}
              onChange={(view) => look({ view: view === 'table' ? view : undefined })}
              data={[
                { value: 'picture', label: t('Picture') },
                { value: 'table', label: t('Table') },
              ]}
              aria-label={t('Shown as')}
            />
          </Group>
        </Group>
        {flow.nodes.length === 0 ? (
          <Empty title={search.search === undefined ? t('Nothing of that kind') : t('No such address here')} />
        ) : isTable ? (
          <FlowTable flow={flow} label={label} onEdge={(edge) => look({ open: edgeName(edge) })} onOpen={toggle} />
        ) : (
          <FlowGraph
            flow={flow}
            label={label}
            fileName={`map-${told.domain}`}
            maxHeight={680}
            smallest={0.6}
            wordsOfChange={words.change}
            onEdge={(edge) => look({ open: edgeName(edge) })}
            onNode={({ id, kind }) => (kind === 'group' ? toggle(id.replace(/ targets$/, '')) : look({ open: id }))}
          />
        )}
        {open.size === 0 ? null : (
          <Button size="compact-sm" variant="subtle" onClick={() => setOpen(new Set())}>
            {t('Close all groups')}
          </Button>
        )}
      </Card>
      <MapPanel
        told={told}
        open={search.open}
        onClose={() => look({ open: undefined })}
        onFocus={(address) => look({ open: undefined, search: address })}
      />
    </Stack>
  );
}

function useGroupWords(): GroupWords {
  const { t } = useTranslation();
  return useMemo(
    () => ({
      mailboxes: (count) => t('{{count}} mailboxes without aliases', { count }),
      sameTargets: (count) => t('{{count}} addresses, same targets', { count }),
      aliases: (count) => t('{{count}} aliases of mailboxes here', { count }),
      targets: (count) => t('{{count}} targets of these', { count }),
      opens: t('choose to open'),
      closes: t('choose to close'),
    }),
    [t],
  );
}

interface ToolsProps {
  readonly told: DomainFlow;
  readonly search: MapSearch;
  readonly only: Only;
  readonly counts: ReturnType<typeof mapCounts>;
  readonly onLook: (changed: { readonly search?: string | undefined; readonly only?: string | undefined }) => void;
}

function MapTools({ told, search, only, counts, onLook }: ToolsProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(search.search ?? '');
  const addresses = useMemo(() => knownAddresses(told), [told]);
  // Thousands of addresses in a list that is opened would be felt.
  const wanted = text.toLowerCase();
  const near = useMemo(
    () => (wanted === '' ? [] : addresses.filter((one) => one.toLowerCase().includes(wanted)).slice(0, 20)),
    [addresses, wanted],
  );
  const go = (address: string) => onLook({ search: address.trim() === '' ? undefined : address.trim() });
  return (
    <Group align="flex-end" gap="sm">
      <form
        style={{ flex: '1 1 260px' }}
        onSubmit={(event) => {
          event.preventDefault();
          go(text);
        }}
      >
        <Autocomplete
          label={t('Around one address')}
          placeholder={t('all of the domain')}
          value={text}
          data={near}
          filter={({ options }) => options}
          onChange={setText}
          onOptionSubmit={go}
          leftSection={<Icon name="search" />}
          clearable
          clearButtonProps={{ 'aria-label': t('Clear') }}
          onClear={() => go('')}
          autoCapitalize="none"
          spellCheck={false}
        />
      </form>
      <SegmentedControl
        aria-label={t('Shown')}
        value={only}
        onChange={(value) => onLook({ only: value === 'all' ? undefined : value })}
        data={[
          { value: 'all', label: t('All') },
          { value: 'aliases', label: t('Aliases') },
          { value: 'leaving', label: t('Leaving the host'), disabled: counts.leaving === 0 },
          { value: 'problems', label: t('To look at'), disabled: counts.problems === 0 },
        ]}
      />
    </Group>
  );
}
