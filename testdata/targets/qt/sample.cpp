// An RFC 862 echo server on QTcpServer and QTcpSocket, as their documentation shows them.
#include <QCoreApplication>
#include <QTcpServer>
#include <QTcpSocket>

int main(int argc, char **argv) {
	QCoreApplication app(argc, argv);
	QTcpServer server;
	QObject::connect(&server, &QTcpServer::newConnection, [&server] {
		while (QTcpSocket *socket = server.nextPendingConnection()) {
			QObject::connect(socket, &QTcpSocket::readyRead, [socket] { socket->write(socket->readAll()); });
			QObject::connect(socket, &QTcpSocket::disconnected, socket, &QObject::deleteLater);
		}
	});
	if (!server.listen(QHostAddress::LocalHost, qEnvironmentVariableIntValue("PORT"))) {
		qCritical("cannot listen: %s", qPrintable(server.errorString()));
		return 1;
	}
	return app.exec();
}
