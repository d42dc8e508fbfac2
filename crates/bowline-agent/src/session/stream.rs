//! The lines of one watch, whatever carries them: an upgraded connection or a streamed answer.

use bowline_link::{
    line::{self, LineError, LineReader},
    message::{Down, Up},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How much is read at once. An idle session holds no more than this.
const READ_BYTES: usize = 2048;

/// Why a watch broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("the connection broke: {0}")]
    Io(std::io::Error),
    #[error("the answer broke off: {0}")]
    Body(#[from] reqwest::Error),
    #[error("the server sent a line that is not understood")]
    Line(#[from] LineError),
    #[error("the server closed the connection")]
    Closed,
}

impl From<std::io::Error> for StreamError {
    fn from(error: std::io::Error) -> Self {
        // A server that was killed says no good-bye, which is all that TLS has to complain about.
        if error.kind() == std::io::ErrorKind::UnexpectedEof { Self::Closed } else { Self::Io(error) }
    }
}

/// Where the lines come from.
pub(super) enum Carrier {
    Upgraded(Box<reqwest::Upgraded>),
    Streamed(Box<reqwest::Response>),
}

/// The lines of one watch.
pub(super) struct Lines {
    carrier: Carrier,
    reader: LineReader,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

impl Lines {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self { carrier, reader: LineReader::new(), bytes_in: 0, bytes_out: 0 }
    }

    /// The next line. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Down, StreamError> {
        loop {
            if let Some(line) = self.reader.next_message()? {
                return Ok(line);
            }
            let read = match &mut self.carrier {
                Carrier::Upgraded(connection) => {
                    let mut buffer = [0; READ_BYTES];
                    let read = connection.read(&mut buffer).await?;
                    self.reader.feed(&buffer[..read]);
                    read
                }
                Carrier::Streamed(answer) => {
                    let chunk = answer.chunk().await?.unwrap_or_default();
                    self.reader.feed(&chunk);
                    chunk.len()
                }
            };
            if read == 0 {
                return Err(StreamError::Closed);
            }
            self.bytes_in += read as u64;
        }
    }

    /// Writes a line; on a streamed answer there is no way up, and the next request tells the server instead.
    pub(super) async fn write(&mut self, up: &Up) -> Result<(), StreamError> {
        if let Carrier::Upgraded(connection) = &mut self.carrier {
            let bytes = line::encode(up)?;
            connection.write_all(&bytes).await?;
            connection.flush().await?;
            self.bytes_out += bytes.len() as u64;
        }
        Ok(())
    }
}
