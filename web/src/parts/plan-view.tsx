// What a change would do to mail: in one line, then what is dangerous, then each address that goes another way, before and
// after, and what it would have meant for the mail of the last days. What was not judged is said.

import { Accordion, Alert, Badge, Box, Group, List, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ObjectChanges } from './differences.tsx';
import { formatNumber, formatTime } from './format.ts';
import { Icon } from './icon.tsx';
import { AddressGroups } from './plan-addresses.tsx';
import { shownNames } from './shown-name.ts';
import { groupAlike, type Plan } from './plan-groups.ts';

export function PlanView({ plan }: { readonly plan: Plan }) {
  return (
    <Stack gap="md">
      <Summary plan={plan} />
      <Warnings plan={plan} />
      <AddressGroups groups={groupAlike(plan.changes)} />
      <People plan={plan} />
      <LastDays plan={plan} />
      <NotJudged plan={plan} />
      {plan.objects.length === 0 ? null : <Objects plan={plan} />}
    </Stack>
  );
}

function Summary({ plan }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  const { changeCount, unchanged, objectCount, changes } = plan;
  if (objectCount === 0) return <Alert color="gray" variant="light" title={t('Nothing would change.')} />;
  if (changeCount === 0) {
    return (
      <Alert color="green" variant="light" icon={<Icon name="done" />} title={t('No mail is affected.')}>
        {t('Addresses that were asked about, and whose mail goes as before: {{number}}', {
          number: formatNumber(unchanged),
        })}
      </Alert>
    );
  }
  return (
    <Alert color="post" variant="light" icon={<Icon name="explain" />} title={<SummaryTitle count={changeCount} />}>
      {changes.length < changeCount
        ? t('The first {{shown}} are shown. Addresses that go as before: {{number}}', {
            shown: formatNumber(changes.length),
            number: formatNumber(unchanged),
          })
        : t('Addresses that were asked about too, and go as before: {{number}}', { number: formatNumber(unchanged) })}
    </Alert>
  );
}

function SummaryTitle({ count }: { readonly count: number }) {
  const { t } = useTranslation();
  return <>{t('Addresses whose mail goes another way: {{number}}', { number: formatNumber(count) })}</>;
}

function useFlagWords(): Readonly<Record<Plan['flags'][number]['kind'], readonly [title: string, color: string]>> {
  const { t } = useTranslation();
  return {
    'open-relay': [t('Open relay: strangers may send to anywhere through this host'), 'red'],
    loop: [t('Aliases go round in a circle: mail is put off'), 'red'],
    'leaves-host': [t('Mail starts to leave this host'), 'orange'],
    'mailbox-unreachable': [t('A mailbox is no longer reached by any address'), 'red'],
    refused: [t('Mail starts to be refused'), 'red'],
    bounces: [t('Mail is taken, then sent back'), 'red'],
    'catch-all-widened': [t('Mail for names that nobody has is taken'), 'orange'],
    deferred: [t('Mail starts to be put off'), 'orange'],
  };
}

const maxNamed = 6;

function Warnings({ plan: { flags, flagCounts } }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  const words = useFlagWords();
  const kinds = [...new Set(flags.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const [title, color] = words[kind];
    const own = [...new Set(flags.filter((flag) => flag.kind === kind).map(({ subject }) => subject))];
    const count = Math.max(flagCounts[kind] ?? 0, own.length);
    return (
      <Alert key={kind} color={color} variant="light" icon={<Icon name="warning" />} title={title}>
        <Text size="sm" className="mono">
          {shownNames(own.slice(0, maxNamed).join(', '))}
        </Text>
        {count <= maxNamed ? null : (
          <Text size="sm">{t('and {{number}} more', { number: formatNumber(count - maxNamed) })}</Text>
        )}
      </Alert>
    );
  });
}

function People({ plan: { members, sending } }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  if (members.length + sending.length === 0) return null;
  return (
    <Stack gap="xs">
      {members.map(({ list, joined, left }) => (
        <Coming key={`list ${list}`} title={t('Members of {{list}}', { list })} come={joined} gone={left} />
      ))}
      {sending.map(({ address, gained, lost }) => (
        <Coming key={`sender ${address}`} title={t('May send as {{address}}', { address })} come={gained} gone={lost} />
      ))}
    </Stack>
  );
}

interface ComingProps {
  readonly title: string;
  readonly come: readonly string[];
  readonly gone: readonly string[];
}

function Coming({ title, come, gone }: ComingProps) {
  const { t } = useTranslation();
  const more = come.length + gone.length - 2 * maxNamed;
  return (
    <Group gap="xs" align="baseline">
      <Text size="sm">{title}:</Text>
      {come.slice(0, maxNamed).map((one) => (
        <Badge key={`+${one}`} color="green" variant="light" tt="none">
          + {shownNames(one)}
        </Badge>
      ))}
      {gone.slice(0, maxNamed).map((one) => (
        <Badge key={`-${one}`} color="red" variant="light" tt="none">
          − {shownNames(one)}
        </Badge>
      ))}
      {more <= 0 ? null : <Text size="sm">{t('and more')}</Text>}
    </Group>
  );
}

function LastDays({ plan: { messages } }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  if (messages === undefined) return null;
  const { seen, elsewhere, refused, deferred, taken, since, most, isCut } = messages;
  const parts: readonly (readonly [string, number])[] = [
    [t('gone elsewhere'), elsewhere],
    [t('been refused'), refused],
    [t('been put off'), deferred],
    [t('been taken instead of refused'), taken],
  ];
  const told = parts.filter(([, count]) => count > 0);
  const effects = {
    elsewhere: t('elsewhere'),
    refused: t('refused'),
    deferred: t('put off'),
    taken: t('taken'),
  };
  return (
    <Box>
      <Text size="sm">
        {t('Messages for these domains since {{time}}: {{number}}.', {
          time: formatTime(since),
          number: formatNumber(seen),
        })}{' '}
        {told.length === 0
          ? t('None of them would have gone another way.')
          : t('Of these would have {{what}}.', {
              what: told.map(([word, count]) => `${word}: ${formatNumber(count)}`).join('; '),
            })}{' '}
        {isCut ? t('There was more than could be looked at.') : null}
      </Text>
      {most.length === 0 ? null : (
        <List size="sm" mt={4}>
          {most.map(({ address, messages: count, effect }) => (
            <List.Item key={address}>
              <span className="mono">{shownNames(address)}</span>: {formatNumber(count)} {effects[effect]}
            </List.Item>
          ))}
        </List>
      )}
    </Box>
  );
}

function NotJudged({ plan: { notes } }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  return (
    <>
      {notes.length === 0 ? null : (
        <Alert color="orange" variant="light" icon={<Icon name="warning" />} title={t('Could not be judged')}>
          <List size="sm">
            {notes.map((note) => (
              <List.Item key={note}>{note}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Text size="xs" c="dimmed">
        {t(
          'Judged for mail that strangers send. What users may send when they are logged in is told where rights change.',
        )}
      </Text>
    </>
  );
}

function Objects({ plan: { objects, objectCount } }: { readonly plan: Plan }) {
  const { t } = useTranslation();
  const rest: ReactNode =
    objects.length < objectCount ? (
      <Text size="sm">{t('and {{number}} more', { number: formatNumber(objectCount - objects.length) })}</Text>
    ) : null;
  return (
    <Accordion variant="contained">
      <Accordion.Item value="objects">
        <Accordion.Control>
          {t('What changes in the directory ({{number}})', { number: formatNumber(objectCount) })}
        </Accordion.Control>
        <Accordion.Panel>
          <ObjectChanges changes={objects.slice(0, 50)} />
          {rest}
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
