/** What to run: the command line that does everything, or plain Helm with what the browser has prepared. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { registerCluster } from "../api/connect-cluster";
import { ErrorText } from "../components/error-message";
import { Button } from "../ui/button";
import { Command } from "../ui/command";
import { Icon } from "../ui/icon";
import {
  connectCommand,
  helmCommand,
  manifestCommand,
  type Shell,
  signInCommand,
  type Wanted,
} from "../util/connect-scripts";
import type { ResourcePath } from "../util/path-builder";
import { saveFile } from "../util/save-file";
import styles from "./connect-cluster.module.css";

export function CommandWay({ wanted, shell }: { wanted: Wanted; shell: Shell }) {
  return (
    <>
      <p>
        Where kubectl points at the cluster. The command looks at the cluster, your rights and the way to this server
        before it changes anything, and can be run again at any time.
      </p>
      <Command text={signInCommand(wanted, shell)} />
      <p className={styles.quiet}>
        Signs in once. When your computer does not trust this server's certificate, add <code>--ca-file</code> with the
        server's <code>ca.crt</code>.
      </p>
      <Command text={connectCommand(wanted, shell)} />
    </>
  );
}

export function HelmWay({ wanted, path, manifest }: { wanted: Wanted; path: ResourcePath; manifest: boolean }) {
  const register = useMutation({ mutationFn: registerCluster });
  const [saved, setSaved] = useState(false);
  const file = `bowline-${wanted.name}.yaml`;
  const begin = () => {
    const { newGroup, tags, location } = wanted;
    register.mutate({ ...path, newGroup, tags, location });
  };
  const save = () => {
    if (!register.data) return;
    saveFile(file, register.data, "application/yaml");
    setSaved(true);
  };
  return (
    <>
      <p>
        Without Bowline's command line: this page registers the cluster under your name, and gives you a file of values
        with an enrolment token.
      </p>
      {!register.data && (
        <div className={styles.actions}>
          <Button onClick={begin} disabled={register.isPending}>
            Register {wanted.name}
          </Button>
        </div>
      )}
      {register.isError && <ErrorText error={register.error} />}
      {register.data && (
        <>
          <div className={styles.actions}>
            <Button onClick={save}>
              <Icon name="download" /> {saved ? "Save again" : "Save"} {file}
            </Button>
          </div>
          <p className={styles.quiet}>
            The token in it lets one cluster in, once, within a day: keep the file as you keep other secrets until the
            cluster is Connected. This page does not keep it.
          </p>
          <Command
            text={
              manifest
                ? manifestCommand(wanted, file, `bowline-agent-${wanted.name}.yaml`, "bash")
                : helmCommand(wanted, file, "bash")
            }
          />
          <p className={styles.quiet}>
            {manifest ? "The manifest holds the token too. " : ""}Helm must trust this server's certificate (
            <code>--ca-file</code>), and the cluster must be able to pull the agent's image.
          </p>
        </>
      )}
    </>
  );
}
