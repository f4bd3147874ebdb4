// Where does mail for an address go? Drawn from the door to the mailboxes and next hops, with the table and the row behind each
// line; why it does not go where somebody expected it; and what has changed about it between two states of the directory.

import { Accordion, Alert, Badge, Card, Group, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { edgeName, type Explanation, explanationFlow, withMissing } from '../graph/explanation-flow.ts';
import { FlowGraph } from '../graph/flow-graph.tsx';
import { FlowTable } from '../graph/flow-table.tsx';
import { useFlowWords } from '../graph/flow-words.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { ExplainComparison } from './explain-comparison.tsx';
import { ExplainForm, type ExplainSearch } from './explain-form.tsx';
import { ExplainPanel } from './explain-panel.tsx';
import { WhyNot } from './explain-why-not.tsx';

const route = getRouteApi('/shell/explain');

type Question = Input<'explain.show'>;

export function ExplainView() {
  const { t } = useTranslation();
  const search: ExplainSearch & { readonly view?: string } = route.useSearch();
  const navigate = route.useNavigate();
  const { address } = search;
  const look: WayProps['onLook'] = (words) => {
    const all = { ...search, ...words };
    const given = Object.entries(all).filter(([, value]) => value !== undefined);
    void navigate({ search: Object.fromEntries(given), replace: true, resetScroll: false });
  };
  return (
    <>
      <PageHead
        title={t('Where does mail go?')}
        note={t('Answered by the code that decides about real mail. Nothing is sent.')}
      />
      <ExplainForm
        key={JSON.stringify({ ...search, open: undefined, view: undefined })}
        search={search}
        onAsk={(asked) => void navigate({ search: asked })}
      />
      {address === undefined ? (
        <Empty title={t('Type an address to see its way')}>
          <Text size="sm" c="dimmed">
            {t('You see each alias, list and forward on the way, the row that decided, and where the mail ends.')}
          </Text>
        </Empty>
      ) : search.compare === undefined ? (
        <Way address={address} search={search} onLook={look} />
      ) : (
        <ExplainComparison address={address} search={search} />
      )}
    </>
  );
}

export function questionOf(address: string, search: ExplainSearch): Question {
  const { sender, client, clientName, helo, login, revision } = search;
  const given = { sender, client, clientName, helo, login, at: revision };
  return {
    address: [address],
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

interface WayProps {
  readonly address: string;
  readonly search: ExplainSearch & { readonly view?: string };
  readonly onLook: (words: { readonly open?: string | undefined; readonly view?: string | undefined }) => void;
}

function Way({ address, search, onLook }: WayProps) {
  const { t } = useTranslation();
  const question = questionOf(address, search);
  const { data, error, refetch } = useCall('explain.show', question);
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const explanation = data.items[0];
  if (explanation === undefined) return <Empty title={t('No answer')} />;
  return (
    <Stack>
      <Verdict address={address} explanation={explanation} revision={search.revision} />
      {search.not === undefined ? null : <WhyNot question={question} address={address} wanted={search.not} />}
      <Picture explanation={explanation} address={address} search={search} onLook={onLook} />
      <Steps explanation={explanation} />
      <ExplainPanel
        explanation={explanation}
        question={question}
        open={search.open}
        onClose={() => onLook({ open: undefined })}
      />
    </Stack>
  );
}

interface VerdictProps {
  readonly address: string;
  readonly explanation: Explanation;
  readonly revision?: string | undefined;
}

export function Verdict({ address, explanation, revision }: VerdictProps) {
  const { t } = useTranslation();
  const { reply, replyStage, class: addressClass, filter, milters = [] } = explanation;
  const isTaken = reply.code < 300;
  const isFailed = reply.code < 500 && !isTaken;
  const words = isTaken
    ? t('Mail for {{address}} is taken.', { address })
    : isFailed
      ? t('Mail for {{address}} is put off with this reply: the sender tries again.', { address })
      : t('Mail for {{address}} is refused with this reply.', { address });
  return (
    <Alert
      color={isTaken ? 'green' : isFailed ? 'orange' : 'red'}
      variant="light"
      title={<span className="mono">{`${reply.code} ${reply.status} ${reply.text}`}</span>}
    >
      <Group gap="xs">
        <span>{words}</span>
        {replyStage === 'data' ? <span>{t('It comes at the end of the data; RCPT is accepted.')}</span> : null}
        {milters.length === 0 ? null : (
          <span>{t('Seen before it is accepted by the milters {{names}}.', { names: milters.join(', ') })}</span>
        )}
        {filter === undefined ? null : (
          <span>
            {t('It goes first to {{transport}} ({{by}}); what comes back from there is decided anew.', {
              transport: [filter.transport, filter.nexthop].filter((word) => word !== '').join(':'),
              by: filter.by,
            })}
          </span>
        )}
        {revision === undefined ? null : (
          <span>{t('By the directory as of {{revision}}; files and settings are of today.', { revision })}</span>
        )}
        <Badge variant="outline" color="gray" tt="none">
          {t('Address class: {{name}}', { name: addressClass })}
        </Badge>
      </Group>
    </Alert>
  );
}

interface PictureProps extends WayProps {
  readonly explanation: Explanation;
}

function Picture({ explanation, address, search, onLook }: PictureProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const flow = useMemo(() => {
    const own = explanationFlow(explanation, words);
    const reached = explanation.deliveries.some(
      ({ recipient }) => recipient.toLowerCase() === search.not?.toLowerCase(),
    );
    const first = explanation.recipient || address;
    return search.not === undefined || reached ? own : withMissing(own, first, search.not, words);
  }, [explanation, words, search.not, address]);
  const label = t('The way of mail for {{address}}', { address });
  const isTable = search.view === 'table';
  return (
    <Card withBorder p="xs">
      <Group justify="space-between" px="xs" pb="xs">
        <Text size="sm" c="dimmed">
          {t('Choose a line or a box to see the row behind it.')}
        </Text>
        <SegmentedControl
          size="xs"
          value={isTable ? 'table' : 'picture'}
          onChange={(view) => onLook({ view: view === 'table' ? view : undefined })}
          data={[
            { value: 'picture', label: t('Picture') },
            { value: 'table', label: t('Table') },
          ]}
          aria-label={t('Shown as')}
        />
      </Group>
      {isTable ? (
        <FlowTable flow={flow} label={label} onEdge={(edge) => onLook({ open: edgeName(edge) })} />
      ) : (
        <FlowGraph
          flow={flow}
          label={label}
          fileName={`mail-${address}`}
          wordsOfChange={words.change}
          onEdge={(edge) => onLook({ open: edgeName(edge) })}
          onNode={(node) => onLook({ open: node.id })}
        />
      )}
    </Card>
  );
}

function Steps({ explanation: { steps } }: { readonly explanation: Explanation }) {
  const { t } = useTranslation();
  return (
    <Accordion variant="contained">
      <Accordion.Item value="steps">
        <Accordion.Control>{t('Every question that was asked: {{count}}', { count: steps.length })}</Accordion.Control>
        <Accordion.Panel>
          <Table.ScrollContainer minWidth={640}>
            <Table aria-label={t('Every question')} fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('Stage')}</Table.Th>
                  <Table.Th>{t('Table')}</Table.Th>
                  <Table.Th>{t('Asked for')}</Table.Th>
                  <Table.Th>{t('Answer')}</Table.Th>
                  <Table.Th>{t('Row')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {steps.map(({ stage, table, key, result, source }, place) => (
                  // oxlint-disable-next-line react/no-array-index-key -- the steps of one answer never change places
                  <Table.Tr key={place}>
                    <Table.Td>{stage}</Table.Td>
                    <Table.Td className="mono">{table}</Table.Td>
                    <Table.Td className="mono">{key}</Table.Td>
                    <Table.Td className="mono">{result}</Table.Td>
                    <Table.Td className="mono">{source}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
