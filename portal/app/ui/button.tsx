import type { ComponentProps } from "react";
import styles from "./button.module.css";

/** A button. `plain` is for places that bring their own background, as the sidebar. */
export function Button({
  look = "outlined",
  className = "",
  ...rest
}: ComponentProps<"button"> & { look?: "outlined" | "plain" }) {
  return <button type="button" className={`${styles.button} ${styles[look]} ${className}`} {...rest} />;
}
