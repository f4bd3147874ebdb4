// Mantine's clickable parts as links of the router: they have an address, open in a new tab, and their targets are checked.

import { Anchor, Button, Menu, NavLink } from '@mantine/core';
import { createLink } from '@tanstack/react-router';

export const AnchorLink = createLink(Anchor<'a'>);
export const ButtonLink = createLink(Button<'a'>);
export const MenuItemLink = createLink(Menu.Item<'a'>);
export const NavLinkTo = createLink(NavLink<'a'>);
