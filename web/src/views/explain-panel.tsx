// What is behind a line or box of the way: the table that was asked, the key, the row and where it is edited, every question of
// this step, and what would have happened without the row.

import { Alert, Code, Drawer, Loader, Stack, Table, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Input, useCall } from '../api.ts';
import { type Explanation, type ExplainedStep } from '../graph/explanation-flow.ts';
import { useFlowWords } from '../graph/flow-words.ts';
import { AnchorLink } from '../parts/links.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { problemText } from '../parts/states.tsx';

interface PanelProps {
  readonly explanation: Explanation;
  readonly question: Input<'explain.show'>;
  /** `from|to|stage` of a line, or the name of a box. */
  readonly open: string | undefined;
  readonly onClose: () => void;
}

export function ExplainPanel({ explanation, question, open, onClose }: PanelProps) {
  const { t } = useTranslation();
  const { nodes, edges } = explanation.flow;
  const titles = new Map(nodes.map(({ name, kind, title }) => [name, kind === 'door' ? t('Door') : title]));
  const edge = edges.find(({ from, to, stage }) => `${from}|${to}|${stage}` === open);
  const node = nodes.find(({ name }) => name === open);
  const title =
    edge === undefined ? (titles.get(node?.name ?? '') ?? '') : `${titles.get(edge.from)} → ${titles.get(edge.to)}`;
  return (
    <Drawer
      opened={edge !== undefined || node !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={<Text fw={650}>{shownNames(title)}</Text>}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      {edge === undefined ? null : <OfLine explanation={explanation} question={question} edge={edge} />}
      {node === undefined ? null : <OfBox explanation={explanation} question={question} node={node} />}
    </Drawer>
  );
}

type ToldEdge = Explanation['flow']['edges'][number];

interface LineProps {
  readonly explanation: Explanation;
  readonly question: Input<'explain.show'>;
  readonly edge: ToldEdge;
}

function OfLine({ explanation, question, edge }: LineProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const step = edge.decided === undefined ? undefined : explanation.steps[edge.decided];
  const asked = edge.asked.flatMap((place) => explanation.steps[place] ?? []);
  const { reply } = explanation;
  return (
    <Stack gap="md">
      <Text size="sm">
        {words.stage(edge.stage, step)}
        {edge.leavesHost ? ` · ${t('mail leaves this host here')}` : ''}
        {edge.isUntaken ? ` · ${t('mail would go this way, and does not')}` : ''}
      </Text>
      {edge.stage === 'reply' ? (
        <Alert color={reply.code < 500 ? 'orange' : 'red'} variant="light" title={t('The client hears')}>
          <Text className="mono" size="sm">
            {reply.code} {reply.status} {reply.text}
          </Text>
        </Alert>
      ) : null}
      {step === undefined ? (
        <Text size="sm">{t('No row decided this: it is what happens without one.')}</Text>
      ) : (
        <Row step={step} />
      )}
      {step?.table && step.key && !step.result.startsWith('error:') ? (
        <Otherwise step={step} question={question} explanation={explanation} />
      ) : null}
      {asked.length === 0 ? null : <Questions asked={asked} deciding={step} />}
    </Stack>
  );
}

function Row({ step }: { readonly step: ExplainedStep }) {
  const { t } = useTranslation();
  const { table, key, result, source, stage } = step;
  const isError = result.startsWith('error:');
  return (
    <Table variant="vertical" withTableBorder layout="fixed">
      <Table.Tbody>
        <Table.Tr>
          <Table.Th w={110}>{t('Table')}</Table.Th>
          <Table.Td className="mono">{table || stage}</Table.Td>
        </Table.Tr>
        {key === '' ? null : (
          <Table.Tr>
            <Table.Th>{t('Asked for')}</Table.Th>
            <Table.Td className="mono">{key}</Table.Td>
          </Table.Tr>
        )}
        <Table.Tr>
          <Table.Th>{isError ? t('Failed') : t('Answer')}</Table.Th>
          <Table.Td className="mono">{result}</Table.Td>
        </Table.Tr>
        {source === undefined ? null : (
          <Table.Tr>
            <Table.Th>{t('Row')}</Table.Th>
            <Table.Td className="mono">
              <Place source={source} name={key} />
            </Table.Td>
          </Table.Tr>
        )}
      </Table.Tbody>
    </Table>
  );
}

/** `directory:aliases row 12` leads to where it is edited; `hash:/etc/postfix/virtual:4` names its file and line. */
function Place({ source, name }: { readonly source: string; readonly name: string }) {
  const { t } = useTranslation();
  const kind = /^directory:(\w+)/.exec(source)?.[1];
  const domain = name.slice(name.lastIndexOf('@') + 1);
  const tabs: Readonly<Record<string, string>> = {
    aliases: 'aliases',
    mailboxes: 'mailboxes',
    lists: 'lists',
    domains: 'settings',
  };
  const tab = kind === undefined ? undefined : source.includes('alias domain') ? 'settings' : tabs[kind];
  const file = /^(\w+:)?(\/.*):(\d+)$/.exec(source);
  if (tab !== undefined && domain !== '') {
    const open = tab === 'settings' || name.startsWith('@') ? {} : { open: name };
    return (
      <>
        {source}{' '}
        <AnchorLink to="/domains/$domain" params={{ domain }} search={{ tab, ...open }} size="sm">
          {t('Edit it')}
        </AnchorLink>
      </>
    );
  }
  if (file === null) return <>{source}</>;
  return <>{t('{{file}}, line {{line}}', { file: file[2], line: file[3] })}</>;
}

interface OtherwiseProps {
  readonly step: ExplainedStep;
  readonly question: Input<'explain.show'>;
  readonly explanation: Explanation;
}

/** Asked of the same code, with this row taken for absent. */
function Otherwise({ step: { table, key }, question, explanation }: OtherwiseProps) {
  const { t } = useTranslation();
  const { data, error } = useCall('explain.show', { ...question, withoutTable: table, withoutKey: key });
  const other = data?.items[0];
  return (
    <div>
      <Title order={3} size="h5" mb={4}>
        {t('Without this row')}
      </Title>
      {error === null ? null : <Text size="sm">{problemText(error)}</Text>}
      {other === undefined ? (
        error === null ? (
          <Loader size="xs" />
        ) : null
      ) : (
        <Text size="sm" component="div">
          {outcome(other) === outcome(explanation) ? t('Nothing would be different.') : <Outcome explanation={other} />}
        </Text>
      )}
    </div>
  );
}

function outcome({ reply, deliveries }: Explanation): string {
  const ends = deliveries.map(({ recipient, transport, nexthop }) => `${recipient} ${transport} ${nexthop}`);
  return [reply.code, reply.status, reply.text, ...ends.toSorted()].join('\n');
}

function Outcome({ explanation: { reply, deliveries } }: { readonly explanation: Explanation }) {
  const { t } = useTranslation();
  if (reply.code >= 300) {
    return (
      <>
        {t('The client would hear')} <Code>{`${reply.code} ${reply.status} ${reply.text}`}</Code>
      </>
    );
  }
  if (deliveries.length === 0) return <>{t('The mail would be thrown away.')}</>;
  return (
    <>
      {t('Mail would go to')}{' '}
      {deliveries.slice(0, 10).map(({ recipient, transport, nexthop }) => (
        <Code key={`${recipient} ${transport} ${nexthop}`} mr={4}>
          {[recipient, transport].filter(Boolean).join(' · ')}
        </Code>
      ))}
      {deliveries.length > 10 ? t('and {{count}} more', { count: deliveries.length - 10 }) : null}
    </>
  );
}

interface QuestionsProps {
  readonly asked: readonly ExplainedStep[];
  readonly deciding: ExplainedStep | undefined;
}

export function Questions({ asked, deciding }: QuestionsProps) {
  const { t } = useTranslation();
  return (
    <div>
      <Title order={3} size="h5" mb={4}>
        {t('All questions of this step, in order')}
      </Title>
      <Table.ScrollContainer
        minWidth={420}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('Questions') } }}
      >
        <Table fz="xs" aria-label={t('Questions')} verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('Table')}</Table.Th>
              <Table.Th>{t('Asked for')}</Table.Th>
              <Table.Th>{t('Answer')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {asked.map((step, place) => (
              // oxlint-disable-next-line react/no-array-index-key -- the questions of one answer never change places
              <Table.Tr
                key={place}
                fw={step === deciding ? 650 : undefined}
                aria-current={step === deciding ? 'true' : undefined}
              >
                <Table.Td className="mono">{step.table || step.stage}</Table.Td>
                <Table.Td className="mono">{step.key}</Table.Td>
                <Table.Td className="mono">{step.result}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}

interface BoxProps {
  readonly explanation: Explanation;
  readonly question: Input<'explain.show'>;
  readonly node: Explanation['flow']['nodes'][number];
}

function OfBox({ explanation, question, node }: BoxProps) {
  const { t } = useTranslation();
  const words = useFlowWords();
  const { edges } = explanation.flow;
  const from = edges.filter((edge) => edge.to === node.name);
  const isAddress = ['address', 'mailbox', 'list', 'mailed', 'elsewhere'].includes(node.kind);
  const domain = node.title.slice(node.title.lastIndexOf('@') + 1);
  return (
    <Stack gap="md">
      <Text size="sm">
        {shownNames(
          [words.kind(node.kind), node.note, node.state === undefined ? undefined : words.state(node.state)]
            .filter(Boolean)
            .join(' · '),
        )}
      </Text>
      {isAddress && node.title.includes('@') ? (
        <Stack gap={4} align="flex-start">
          <AnchorLink to="/explain" search={{ address: node.title }} size="sm">
            {t('The way of mail for {{address}}', { address: node.title })}
          </AnchorLink>
          {node.kind === 'mailbox' || node.kind === 'list' ? (
            <AnchorLink
              to="/domains/$domain"
              params={{ domain }}
              search={{ tab: node.kind === 'list' ? 'lists' : 'mailboxes', open: node.title }}
              size="sm"
            >
              {node.kind === 'list' ? t('Edit the list') : t('Edit the mailbox')}
            </AnchorLink>
          ) : null}
        </Stack>
      ) : null}
      {from.map((edge) => (
        <OfLine key={`${edge.from} ${edge.stage}`} explanation={explanation} question={question} edge={edge} />
      ))}
    </Stack>
  );
}
