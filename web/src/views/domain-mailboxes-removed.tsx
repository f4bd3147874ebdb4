// Mailboxes that were removed and can still be brought back with their mail.

import { Button, Drawer, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { SmallTable } from '../parts/big-table.tsx';
import { formatTime } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';

interface RemovedMailboxesProps {
  readonly domain: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function RemovedMailboxes({ domain, isOpen, onClose }: RemovedMailboxesProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={isOpen}
      onClose={onClose}
      position="right"
      size="lg"
      title={t('Removed mailboxes')}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      <Removed domain={domain} />
    </Drawer>
  );
}

function Removed({ domain }: { readonly domain: string }) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { data, error, refetch } = useCall('mailbox.list', { domain, removed: true, limit: 1000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) {
    return (
      <Empty title={t('Nothing to bring back')}>
        <Text ta="center">
          {t('Mailboxes that are removed can be brought back here with their mail for some time.')}
        </Text>
      </Empty>
    );
  }
  const restore = async (address: string) =>
    void (await planned.run({
      operation: 'mailbox.restore',
      input: { address },
      done: t('{{address}} is back', { address }),
    }));
  return (
    <Stack>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <SmallTable
        label={t('Removed mailboxes')}
        rows={data.items}
        keyOf={({ address, removedAt }) => `${address} ${removedAt}`}
        columns={[
          { title: t('Mailbox'), cell: ({ address }) => <span className="mono">{shownNames(address)}</span> },
          { title: t('Removed'), cell: ({ removedAt = 0 }) => formatTime(removedAt) },
          { title: t('Kept until'), cell: ({ recoverableUntil = 0 }) => formatTime(recoverableUntil) },
          {
            title: t('Action'),
            cell: ({ address }) => (
              <Button
                size="xs"
                variant="default"
                loading={planned.isBusy}
                aria-label={t('Bring back {{name}}', { name: address })}
                onClick={() => void restore(address)}
              >
                {t('Bring back')}
              </Button>
            ),
          },
        ]}
      />
      {planned.dialog}
    </Stack>
  );
}
