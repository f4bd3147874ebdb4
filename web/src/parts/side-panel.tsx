// Where one object of a list is looked at and changed, beside the list.

import { Drawer } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Holding } from './dialog.tsx';
import { shownNames } from './shown-name.ts';

interface SidePanelProps {
  /** Undefined: closed. */
  readonly title: string | undefined;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function SidePanel({ title, onClose, children }: SidePanelProps) {
  const { t } = useTranslation();
  const [isHeld, hold] = useState(false);
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
      {...(isHeld ? { closeOnClickOutside: false, withCloseButton: false } : {})}
    >
      <Holding value={hold}>{title === undefined ? null : children}</Holding>
    </Drawer>
  );
}
