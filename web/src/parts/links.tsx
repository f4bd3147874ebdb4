// Mantine's clickable parts as links of the router: they have an address, open in a new tab, and their targets are checked.

import { Anchor, Button, type ButtonProps, Menu, type MenuItemProps, NavLink } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type Of<Props> = Props & Omit<ComponentPropsWithRef<'a'>, keyof Props>;

export const AnchorLink = createLink(Anchor<'a'>);
// Without `component` these would be buttons, which go nowhere without the page's script.
export const ButtonLink = createLink((props: Of<ButtonProps>) => <Button component="a" {...props} />);
export const MenuItemLink = createLink((props: Of<MenuItemProps>) => <Menu.Item component="a" {...props} />);
export const NavLinkTo = createLink(NavLink<'a'>);
