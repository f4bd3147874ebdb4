// Passwords of the mailbox for programs: one each, so that one can be taken away without the others; the secret is shown once.

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
import { AddAppPassword } from './add-app-password.tsx';

type AppPassword = Row<'app-password.list'>;

export function AppPasswordsTab({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const all = useCall('app-password.list', { mailbox: address });
  const change = useChange();
  const [isAdding, { open, close }] = useDisclosure();
  const [made, setMade] = useState<Output<'app-password.add'>>();
  const end = () => {
    close();
    setMade(undefined);
  };
  const ask = useAsk();
  const remove = ({ name }: AppPassword) =>
    ask(
      {
        title: t('Remove the app password "{{name}}"?', { name }),
        text: t('The program that uses it cannot log in from then on.'),
        confirm: t('Remove'),
      },
      () =>
        void change.run(
          () => call('app-password.remove', { mailbox: address, name }),
          t('The app password is removed'),
        ),
    );
  return (
    <Section
      title={t('App passwords')}
      note={t(
        'For a telephone, a mail program, a scanner: each gets a password of its own, which you can take away if it is lost. They open mail, not this page.',
      )}
    >
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {all.isPending ? <Loading /> : null}
      {all.error === null ? null : <Failed error={all.error} onRetry={() => void all.refetch()} />}
      {all.data?.items.length === 0 ? <Text size="sm">{t('There is none yet.')}</Text> : null}
      {all.data === undefined || all.data.items.length === 0 ? null : (
        <AppPasswordTable rows={all.data.items} onRemove={remove} />
      )}
      <Group>
        <Button leftSection={<Icon name="add" />} onClick={open}>
          {t('Make an app password')}
        </Button>
      </Group>
      <Dialog opened={isAdding} onClose={end} title={t('Make an app password')}>
        {made === undefined ? (
          <AddAppPassword address={address} onMade={setMade} onCancel={end} />
        ) : (
          <ShownOnce
            title={t('The app password "{{name}}" is made', { name: made.name })}
            secret={made.password}
            what={t('app password')}
            note={
              <Text size="sm">
                {t('Type it into the program in place of your password, with {{address}} as the user name.', {
                  address,
                })}
              </Text>
            }
            onDone={end}
          />
        )}
      </Dialog>
    </Section>
  );
}

function AppPasswordTable({ rows, onRemove }: { rows: readonly AppPassword[]; onRemove: (row: AppPassword) => void }) {
  const { t } = useTranslation();
  return (
    <SmallTable
      label={t('App passwords')}
      rows={rows}
      keyOf={({ name }) => name}
      columns={[
        { title: t('Name'), cell: ({ name }) => name },
        {
          title: t('For'),
          cell: ({ protocols }) =>
            protocols.length === 0 ? t('everything') : protocols.map((one) => one.toUpperCase()).join(', '),
        },
        {
          title: t('Sends as'),
          cell: ({ senders }) => (senders.length === 0 ? t('all that you may') : senders.join(', ')),
        },
        { title: t('Ends'), cell: ({ expires }) => (expires === undefined ? t('never') : formatTime(expires)) },
        { title: t('Last use'), cell: ({ used }) => <LastUse used={used} /> },
        {
          title: t('Action'),
          isNumber: true,
          cell: (row) => (
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              aria-label={t('Remove {{name}}', { name: row.name })}
              onClick={() => onRemove(row)}
            >
              {t('Remove')}
            </Button>
          ),
        },
      ]}
    />
  );
}

function LastUse({ used }: { readonly used: AppPassword['used'] }) {
  const { t } = useTranslation();
  if (used === undefined) return t('never');
  return (
    <Stack gap={0}>
      <span>{formatAge(used.time)}</span>
      <span>
        {used.protocol.toUpperCase()} <span className="mono">{used.address}</span>
      </span>
    </Stack>
  );
}
