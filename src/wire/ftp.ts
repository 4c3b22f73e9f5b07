// RFC 959: the File Transfer Protocol.

/** RFC 959 section 8: of its control connections. Those of data come from the port before. */
export const FTP_PORT = 21;
export const FTP_DATA_PORT = 20;
