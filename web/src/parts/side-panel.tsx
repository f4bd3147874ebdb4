// Where one object of a list is looked at and changed, beside the list.

import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { shownNames } from './shown-name.ts';

interface SidePanelProps {
  /** Undefined: closed. */
  readonly title: string | undefined;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function SidePanel({ title, onClose, children }: SidePanelProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={title !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={
        <span className="panel-title" title={title}>
          {title === undefined ? null : shownNames(title)}
        </span>
      }
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      {title === undefined ? null : children}
    </Drawer>
  );
}
