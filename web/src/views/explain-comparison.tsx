// The way of mail by the directory at two moments, side by side, with what is new, gone, or decided by another row.

import { Alert, Card, List, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { compareFlows, type Explanation, explanationFlow } from '../graph/explanation-flow.ts';
import { FlowGraph } from '../graph/flow-graph.tsx';
import { useFlowWords } from '../graph/flow-words.ts';
import { signs } from '../graph/paints.ts';
import { Failed, Loading } from '../parts/states.tsx';
import { questionOf, Verdict } from './explain.tsx';
import type { ExplainSearch } from './explain-form.tsx';
import { shownNames } from '../parts/shown-name.ts';

interface ComparisonProps {
  readonly address: string;
  readonly search: ExplainSearch;
}

export function ExplainComparison({ address, search }: ComparisonProps) {
  const { compare, revision, ...rest } = search;
  // The older on the left: without a moment it is now.
  const isSwapped = revision !== undefined && isLater(compare, revision);
  const [left, right] = isSwapped ? [revision, compare] : [compare, revision];
  const before = useCall('explain.show', questionOf(address, { ...rest, ...moment(left) }));
  const after = useCall('explain.show', questionOf(address, { ...rest, ...moment(right) }));
  for (const { data, error, refetch } of [before, after]) {
    if (error !== null && data === undefined) return <Failed error={error} onRetry={() => void refetch()} />;
  }
  const [one, two] = [before.data?.items[0], after.data?.items[0]];
  if (one === undefined || two === undefined) return <Loading />;
  return <Sides address={address} before={one} after={two} left={left} right={right} />;
}

function moment(revision: string | undefined): Pick<ExplainSearch, 'revision'> {
  return revision === undefined ? {} : { revision };
}

function isLater(one: string | undefined, other: string): boolean {
  if (one === undefined) return true;
  const [a, b] = [Number(one), Number(other)];
  return Number.isNaN(a) || Number.isNaN(b) ? one > other : a > b;
}

interface SidesProps {
  readonly address: string;
  readonly before: Explanation;
  readonly after: Explanation;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

function Sides({ address, before, after, left, right }: SidesProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const compared = useMemo(
    () => compareFlows(explanationFlow(before, words), explanationFlow(after, words)),
    [before, after, words],
  );
  const titles = new Map([...compared.before.nodes, ...compared.after.nodes].map(({ id, title }) => [id, title]));
  const side = (explanation: Explanation, flow: typeof compared.before, revision: string | undefined) => {
    const title = revision === undefined ? t('Now') : t('As of {{revision}}', { revision });
    return (
      <Stack gap="xs">
        <Title order={2} size="h4">
          {title}
        </Title>
        <Verdict address={address} explanation={explanation} />
        <Card withBorder p="xs">
          <FlowGraph
            flow={flow}
            label={`${t('The way of mail for {{address}}', { address })}: ${title}`}
            fileName={`mail-${address}-${revision ?? 'now'}`}
            smallest={0.5}
            wordsOfChange={words.change}
          />
        </Card>
      </Stack>
    );
  };
  return (
    <Stack>
      <Alert color={compared.changes.length === 0 ? 'green' : 'blue'} variant="light" title={t('What differs')}>
        {compared.changes.length === 0 ? (
          <Text size="sm">{t('Nothing: mail goes the same way at both moments.')}</Text>
        ) : (
          <List size="sm">
            {compared.changes.slice(0, 50).map(({ change, edge, side: where }) => (
              <List.Item key={`${where} ${edge.from} ${edge.to} ${edge.stage ?? ''}`}>
                <strong>
                  {signs[change]} {words.change(change)}:
                </strong>{' '}
                {shownNames(`${titles.get(edge.from)} → ${titles.get(edge.to)}`)}
                {edge.label === undefined ? '' : shownNames(` (${[edge.label, edge.row].filter(Boolean).join(', ')})`)}
              </List.Item>
            ))}
          </List>
        )}
      </Alert>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        {side(before, compared.before, left)}
        {side(after, compared.after, right)}
      </SimpleGrid>
    </Stack>
  );
}
