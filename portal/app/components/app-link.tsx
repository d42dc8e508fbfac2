/** A link inside the portal. `to` comes from the path builder. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface AppLinkProps {
  to: string;
  children: ReactNode;
  className?: string;
  /** Marks the link of the page that is open, and only of exactly that page unless `within`. */
  within?: boolean;
}

export function AppLink({ to, children, className, within = false }: AppLinkProps) {
  return (
    <Link to={to} className={className} activeOptions={{ exact: !within, includeSearch: false }}>
      {children}
    </Link>
  );
}
