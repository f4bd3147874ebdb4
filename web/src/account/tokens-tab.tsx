// One's own tokens of the API: keys for programs, with what they may do and until when. The secret is shown once.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, type Row, useCall } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { SmallTable } from '../parts/big-table.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Section } from '../parts/section.tsx';
import { ShownOnce } from '../parts/shown-once.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { AddToken } from './add-token.tsx';

type Token = Row<'token.list'>;

export function TokensTab() {
  const { t } = useTranslation();
  const tokens = useCall('token.list', {});
  const change = useChange();
  const [isAdding, { open, close }] = useDisclosure();
  const [made, setMade] = useState<Output<'token.add'>>();
  const end = () => {
    close();
    setMade(undefined);
  };
  const ask = useAsk();
  const remove = ({ id, name }: Token) =>
    ask(
      {
        title: t('Remove the token "{{name}}"?', { name }),
        text: t('Programs that use it are refused from then on.'),
        confirm: t('Remove'),
      },
      () => void change.run(() => call('token.remove', { id }), t('The token is removed')),
    );
  return (
    <Section
      title={t('Tokens of the API')}
      note={t(
        'For programs that do by themselves what you do here. A token never may more than you, and never what concerns a person: passwords, codes, sessions.',
      )}
    >
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {tokens.isPending ? <Loading /> : null}
      {tokens.error === null ? null : <Failed error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {tokens.data?.items.length === 0 ? <Text size="sm">{t('There is none yet.')}</Text> : null}
      {tokens.data === undefined || tokens.data.items.length === 0 ? null : (
        <TokenTable tokens={tokens.data.items} onRemove={remove} />
      )}
      <Group>
        <Button leftSection={<Icon name="add" />} onClick={open}>
          {t('Make a token')}
        </Button>
      </Group>
      <Dialog opened={isAdding} onClose={end} title={t('Make a token')}>
        {made === undefined ? (
          <AddToken onMade={setMade} onCancel={end} />
        ) : (
          <ShownOnce
            title={t('The token "{{name}}" is made', { name: made.name })}
            secret={made.secret}
            what={t('token')}
            onDone={end}
          />
        )}
      </Dialog>
    </Section>
  );
}

function TokenTable({ tokens, onRemove }: { tokens: readonly Token[]; onRemove: (token: Token) => void }) {
  const { t } = useTranslation();
  return (
    <SmallTable
      label={t('Tokens of the API')}
      rows={tokens}
      keyOf={({ id }) => String(id)}
      columns={[
        { title: t('Name'), cell: ({ name }) => name },
        { title: t('May'), cell: ({ scopes }) => <Scopes scopes={scopes} /> },
        { title: t('Ends'), cell: ({ expires }) => (expires === undefined ? t('never') : formatTime(expires)) },
        {
          title: t('Last use'),
          cell: ({ used }) =>
            used === undefined ? (
              t('never')
            ) : (
              <Stack gap={0}>
                <span>{formatAge(used.time)}</span>
                <span className="mono">{used.address}</span>
              </Stack>
            ),
        },
        {
          title: t('Action'),
          isNumber: true,
          cell: (token) => (
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              aria-label={t('Remove {{name}}', { name: token.name })}
              onClick={() => onRemove(token)}
            >
              {t('Remove')}
            </Button>
          ),
        },
      ]}
    />
  );
}

function Scopes({ scopes }: { readonly scopes: readonly string[] }) {
  const { t } = useTranslation();
  if (scopes.includes('*')) return t('everything that you may');
  if (scopes.length === 1 && scopes[0] === '*:read') return t('read everything that you may');
  return <span className="mono">{scopes.join(' ')}</span>;
}
